using System.Diagnostics;
using NextStep.Research.Cli;

namespace NextStep.Research.Experiments.Tests;

/// <summary>Verbs that compute nothing must not wait for half a gigabyte of libtorch.</summary>
public sealed class StartupTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Verbs_that_do_not_compute_load_no_libtorch()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Reads the log of Linux' loader.");
        }
        string file = Path.Combine(_folder.Path, "experiment.yaml");
        await File.WriteAllTextAsync(file, "name: nothing\nquestion: Is torch loaded?\nbaseline: { data.images: 10 }\n", TestContext.Current.CancellationToken);
        foreach (string[] verb in (string[][])[["--help"], ["plan", file], ["status", _folder.Path]])
        {
            string log = await Loaded(verb);
            Assert.Contains("libcoreclr", log, StringComparison.Ordinal); // the log is one
            Assert.DoesNotContain("libtorch_cpu", log, StringComparison.Ordinal);
        }
    }

    private async Task<string> Loaded(string[] arguments)
    {
        string log = Path.Combine(_folder.Path, Guid.NewGuid().ToString("N"));
        ProcessStartInfo start = new("dotnet", [typeof(BenchCases).Assembly.Location, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LD_DEBUG"] = "files";
        start.Environment["LD_DEBUG_OUTPUT"] = log;
        using Process process = Process.Start(start)!;
        await Task.WhenAll(process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return string.Concat(Directory.GetFiles(_folder.Path, Path.GetFileName(log) + "*").Select(File.ReadAllText));
    }
}
