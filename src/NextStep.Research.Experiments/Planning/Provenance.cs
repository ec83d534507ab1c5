using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace NextStep.Research.Experiments;

/// <summary>Where results come from: commit, packages, libtorch, device, machine.</summary>
public static class Provenance
{
    /// <summary>Collects it; what cannot be told is left out. Loads no torch.</summary>
    public static IReadOnlyDictionary<string, string> Collect(string experimentFile, string device)
    {
        Dictionary<string, string> found = new() { ["experiment"] = Path.GetFileName(experimentFile) };
        string folder = Path.GetDirectoryName(Path.GetFullPath(experimentFile))!;
        if (Git(folder, "rev-parse HEAD") is { Length: > 0 } commit)
        {
            found["commit"] = commit.Trim();
            string? difference = Git(folder, "diff HEAD");
            found["changes"] = string.IsNullOrEmpty(difference) ? "none" : $"uncommitted, diff sha256 {Hash(difference)}";
        }
        Assembly library = typeof(ResearchConfig).Assembly;
        found["nextstep"] = library.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        string dependencies = Path.ChangeExtension(Assembly.GetEntryAssembly()?.Location ?? "", ".deps.json");
        if (File.Exists(dependencies))
        {
            found["packages"] = $"sha256 {Hash(File.ReadAllText(dependencies))} of {Path.GetFileName(dependencies)}";
        }
        found["libtorch"] = TorchBackend.Origin;
        found["dotnet"] = RuntimeInformation.FrameworkDescription;
        found["device"] = device;
        found["machine"] = string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}, {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores");
        found["started"] = DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        return found;
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
