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

    [Fact]
    public async Task A_login_node_without_the_named_libtorch_can_look_but_not_compute()
    {
        RunFolder run = new(_folder.File("run"));
        GeneratedRun.Write(run, ExperimentFile.Load(_folder.Write("grid.yaml", GeneratedRun.Grid)), c => c.Seed == 0);
        (int Code, string Error)[] looks = await Task.WhenAll(
            WithoutLibtorch("status", run.Path), WithoutLibtorch("export", run.Path, "--format", "csv"), WithoutLibtorch("inspect", run.Path));
        Assert.Equal([(0, ""), (0, "")], looks[..2]);
        Assert.Equal(1, looks[2].Code);
        Assert.Contains("which holds no libtorch_cpu", looks[2].Error, StringComparison.Ordinal);
    }

    /// <summary>What a finished process would spend a tenth of its time on: the loader's log names every library whose end code ran.</summary>
    [Fact]
    public async Task A_finished_process_does_not_take_libtorch_apart()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Reads the log of Linux' loader.");
        }
        string log = await Loaded(["inspect", _folder.File("missing")], code: 1);
        Assert.Matches("calling init: .*libtorch_cpu", log);
        Assert.DoesNotMatch("calling fini: .*libtorch_cpu", log);
    }

    private async Task<(int Code, string Error)> WithoutLibtorch(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", [typeof(BenchCases).Assembly.Location, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[TorchBackend.FolderVariable] = _folder.File("not mounted");
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await error);
    }

    private async Task<string> Loaded(string[] arguments, int? code = null)
    {
        string log = Path.Combine(_folder.Path, Guid.NewGuid().ToString("N"));
        ProcessStartInfo start = new("dotnet", [typeof(BenchCases).Assembly.Location, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LD_DEBUG"] = "files";
        start.Environment["LD_DEBUG_OUTPUT"] = log;
        using Process process = Process.Start(start)!;
        await Task.WhenAll(process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(code ?? process.ExitCode, process.ExitCode);
        return string.Concat(Directory.GetFiles(_folder.Path, Path.GetFileName(log) + "*").Select(File.ReadAllText));
    }
}
