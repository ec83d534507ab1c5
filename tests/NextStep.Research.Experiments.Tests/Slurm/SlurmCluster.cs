using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace NextStep.Research.Experiments.Tests.Slurm;

/// <summary>A real Slurm on this machine for the tests of one class: two nodes in a temporary folder.</summary>
public sealed class SlurmCluster : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public SlurmCluster()
    {
        IsThere = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Any(p => File.Exists(Path.Combine(p, "slurmctld")));
        if (IsThere)
        {
            Script("start");
            Environment.SetEnvironmentVariable("SLURM_CONF", _folder.File("slurm.conf"));
        }
    }

    public bool IsThere { get; }

    public void Dispose()
    {
        if (IsThere)
        {
            Script("stop");
        }
        _folder.Dispose();
    }

    public void Lose(string node) => Script("lose", node[1..]);

    public void Mend(string node) => Script("mend", node[1..]);

    public static string Ask(string program, params string[] arguments)
    {
        ProgramReply reply = new ClusterCommands().Run(program, arguments);
        return reply.ExitCode == 0 ? reply.Output.Trim() : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {reply.Error}");
    }

    private void Script(string verb, params string[] more)
    {
        ProcessStartInfo start = new("bash", [Path.Combine(Tests(), "slurm", "cluster.sh"), verb, _folder.Path, .. more]) { RedirectStandardError = true };
        // The daemons must not hold the pipes of the test runner.
        start.RedirectStandardOutput = true;
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"cluster.sh {verb} failed; see {_folder.Path}/log");
        }
    }

    private static string Tests([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
