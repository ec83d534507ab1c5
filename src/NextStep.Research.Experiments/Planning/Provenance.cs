using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace NextStep.Research.Experiments;

/// <summary>Where results come from: commit and uncommitted changes, packages, libtorch, device, machine, command.</summary>
internal static class Provenance
{
    /// <summary>Kind and number of processors of this machine.</summary>
    public static string Processor { get; } = string.Create(CultureInfo.InvariantCulture, $"{ProcessorName()}, {Environment.ProcessorCount} cores");

    /// <summary>How this process was called.</summary>
    public static string CommandLine => ShellText.Line(["nextstep", .. Environment.GetCommandLineArgs().Skip(1)]);

    /// <summary>
    /// Collects it; what cannot be told is left out. Loads no torch. The commit is that of the program that runs, as its build noted it; where it
    /// runs from its source tree, what that has beyond the commit, new files included, is kept as a file of the run folder.
    /// </summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="experimentFile">Its name is noted.</param>
    /// <param name="device">As configured.</param>
    /// <param name="command">The command line.</param>
    public static IReadOnlyDictionary<string, string> Collect(RunFolder folder, string experimentFile, string device, string command) =>
        Collect(folder, experimentFile, device, command, SourceTree.OfProgram);

    internal static IReadOnlyDictionary<string, string> Collect(RunFolder folder, string experimentFile, string device, string command, SourceTree? tree)
    {
        ArgumentNullException.ThrowIfNull(folder);
        Dictionary<string, string> found = Code(folder, tree);
        found["experiment"] = Path.GetFileName(experimentFile);
        found["device"] = device;
        return Here(found, command);
    }

    /// <summary>For the results of a process that knows the run folder only: experiment and device as the sweep noted them, commit and changes too where it runs the same code, the rest its own.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="plan">The folder's.</param>
    /// <param name="command">The command line.</param>
    /// <param name="device">Where this process computes; null: as noted.</param>
    public static IReadOnlyDictionary<string, string> OfWorker(RunFolder folder, Plan plan, string command, string? device = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(plan);
        Dictionary<string, string> found = new(plan.Provenance);
        if (device is not null)
        {
            found["device"] = device;
        }
        if (found.GetValueOrDefault("code") != CodeIdentity.Current)
        {
            found.Remove("commit");
            found.Remove("changes");
            Code(folder, SourceTree.OfProgram).ToList().ForEach(c => found[c.Key] = c.Value);
        }
        return Here(found, command);
    }

    private static Dictionary<string, string> Code(RunFolder folder, SourceTree? tree)
    {
        Dictionary<string, string> found = new() { ["code"] = CodeIdentity.Current };
        if ((tree?.Commit ?? SourceTree.BuiltFrom) is { } commit)
        {
            found["commit"] = commit;
        }
        if (tree?.KeepChanges(folder) is { } changes)
        {
            found["changes"] = changes;
        }
        return found;
    }

    private static Dictionary<string, string> Here(Dictionary<string, string> found, string command)
    {
        found["command"] = command;
        found["nextstep"] = Version(typeof(ResearchConfig).Assembly);
        found["packages"] = Packages();
        found["torchsharp"] = Version(typeof(TorchSharp.torch).Assembly);
        found["libtorch"] = TorchBackend.Origin;
        found["dotnet"] = RuntimeInformation.FrameworkDescription;
        found["machine"] = $"{Environment.MachineName}, {RuntimeInformation.OSDescription}, {Processor}";
        found["started"] = DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        return found;
    }

    // The lock file of the program that runs, where it runs from its source tree; elsewhere the list of its packages.
    private static string Packages()
    {
        string? program = Assembly.GetEntryAssembly()?.Location;
        if (string.IsNullOrEmpty(program))
        {
            return "unknown";
        }
        for (DirectoryInfo? folder = Directory.GetParent(program); folder is not null; folder = folder.Parent)
        {
            string file = Path.Combine(folder.FullName, "packages.lock.json");
            if (File.Exists(file))
            {
                return $"sha256 {Hash(File.ReadAllText(file))} of packages.lock.json";
            }
        }
        string dependencies = Path.ChangeExtension(program, ".deps.json");
        return File.Exists(dependencies) ? $"sha256 {Hash(File.ReadAllText(dependencies))} of {Path.GetFileName(dependencies)}" : "unknown";
    }

    private static string Version(Assembly assembly) => assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    private static string ProcessorName()
    {
        const string list = "/proc/cpuinfo";
        string? line = File.Exists(list) ? File.ReadLines(list).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':') + 1)..].Trim() ?? $"{Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? RuntimeInformation.ProcessArchitecture.ToString()}";
    }

    internal static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
}
