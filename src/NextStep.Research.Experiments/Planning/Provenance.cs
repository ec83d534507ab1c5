using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace NextStep.Research.Experiments;

/// <summary>Where results come from: commit and uncommitted changes, packages, libtorch, device, machine, command.</summary>
public static class Provenance
{
    private const int LargestDifference = 4 << 20;

    /// <summary>Kind and number of processors of this machine.</summary>
    public static string Processor { get; } = string.Create(CultureInfo.InvariantCulture, $"{ProcessorName()}, {Environment.ProcessorCount} cores");

    /// <summary>How this process was called.</summary>
    public static string CommandLine => string.Join(' ', ["nextstep", .. Environment.GetCommandLineArgs().Skip(1)]);

    /// <summary>Collects it and keeps the uncommitted changes as a file of the run folder; what cannot be told is left out. Loads no torch.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="experimentFile">In the repository whose commit counts.</param>
    /// <param name="device">As configured.</param>
    /// <param name="command">The command line.</param>
    public static IReadOnlyDictionary<string, string> Collect(RunFolder folder, string experimentFile, string device, string command)
    {
        ArgumentNullException.ThrowIfNull(folder);
        Dictionary<string, string> found = new() { ["experiment"] = Path.GetFileName(experimentFile) };
        string place = Path.GetDirectoryName(Path.GetFullPath(experimentFile))!;
        if (Git(place, "rev-parse HEAD") is { Length: > 0 } commit)
        {
            found["commit"] = commit.Trim();
            found["changes"] = Git(place, "diff HEAD --no-ext-diff") is { Length: > 0 } difference ? Keep(folder, difference) : "none";
        }
        found["device"] = device;
        return Here(found, command);
    }

    /// <summary>For the results of a process that knows the run folder only: experiment, commit and device as the sweep noted them, the rest its own.</summary>
    /// <param name="plan">The folder's.</param>
    /// <param name="command">The command line.</param>
    /// <param name="device">Where this process computes; null: as noted.</param>
    public static IReadOnlyDictionary<string, string> OfWorker(Plan plan, string command, string? device = null)
    {
        ArgumentNullException.ThrowIfNull(plan);
        Dictionary<string, string> noted = new(plan.Provenance);
        if (device is not null)
        {
            noted["device"] = device;
        }
        return Here(noted, command);
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

    // One file for all processes and cells that saw the same changes; a larger one is cut and says so.
    private static string Keep(RunFolder folder, string difference)
    {
        string hash = Hash(difference), name = $"provenance/{hash}.diff", file = Path.Combine(folder.Path, name);
        bool cut = difference.Length > LargestDifference;
        if (!File.Exists(file))
        {
            AtomicFile.WriteText(file, cut ? difference[..LargestDifference] + $"\n[cut after {LargestDifference >> 20} MB]\n" : difference);
        }
        return $"uncommitted, {name}{(cut ? ", cut" : "")}, sha256 {hash}";
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

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];

    private static string? Git(string folder, string arguments)
    {
        try
        {
            using Process? process = Process.Start(new ProcessStartInfo("git", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true });
            if (process is null)
            {
                return null;
            }
            process.ErrorDataReceived += (_, _) => { }; // drained, so that git never waits for us
            process.BeginErrorReadLine();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : null;
        }
        catch (Win32Exception)
        {
            return null; // no git on this machine
        }
    }
}
