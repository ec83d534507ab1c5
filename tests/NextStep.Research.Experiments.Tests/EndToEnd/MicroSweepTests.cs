using System.Diagnostics;
using System.Text.RegularExpressions;

namespace NextStep.Research.Experiments.Tests.EndToEnd;

public sealed partial class MicroSweepTests
{
    [Fact]
    public async Task A_sweep_trains_draws_and_reports_and_the_same_command_again_trains_nothing()
    {
        using TemporaryFolder folder = new();
        string file = MicroExperiment.Write(folder.Path), run = Path.Combine(folder.Path, "run");
        (int code, string output) = await MicroExperiment.Run("sweep", file, "--out", run);
        Assert.True(code == 0, output);
        string report = await File.ReadAllTextAsync(Path.Combine(run, "report.html"), TestContext.Current.CancellationToken);
        Assert.Contains("Does it run?", report, StringComparison.Ordinal);
        Assert.Contains("data:image/png;base64", report, StringComparison.Ordinal);
        Assert.Single(Directory.GetDirectories(Path.Combine(run, "stages"), "autoencoder-*"));
        Assert.Equal(2, Directory.GetDirectories(Path.Combine(run, "stages"), "model-*").Length);
        string cell = Directory.GetDirectories(Path.Combine(run, "cells"))[0];
        DateTime before = File.GetLastWriteTimeUtc(Path.Combine(cell, "result.json"));

        (code, output) = await MicroExperiment.Run("sweep", file, "--out", run);
        Assert.True(code == 0, output);
        Assert.Contains("0 cells run, 2 done before", output, StringComparison.Ordinal);
        Assert.Equal(before, File.GetLastWriteTimeUtc(Path.Combine(cell, "result.json")));

        string picture = Path.Combine(folder.Path, "out.png");
        (code, output) = await MicroExperiment.Run("generate", "--model", cell, "--prompt", "a red circle", "-n", "4", "-o", picture);
        Assert.True(code == 0, output);
        using TorchSharp.torch.Tensor drawn = ImageFile.Load(picture);
        Assert.Equal(3, drawn.size(0));
        Assert.True(drawn.size(1) >= 64);
    }

    [Fact]
    public async Task The_same_configuration_and_seed_give_the_same_bits_and_so_does_a_run_that_was_killed()
    {
        using TemporaryFolder folder = new();
        string file = MicroExperiment.Write(folder.Path), straight = Path.Combine(folder.Path, "straight"), killed = Path.Combine(folder.Path, "killed");
        (int code, string output) = await MicroExperiment.Run("sweep", file, "--out", straight);
        Assert.True(code == 0, output);
        await KillWhen(file, killed, "autoencoder", 32);
        await KillWhen(file, killed, "model", 72);
        (code, output) = await MicroExperiment.Run("sweep", file, "--out", killed);
        Assert.True(code == 0, output);
        foreach (string cell in Directory.GetDirectories(Path.Combine(straight, "cells")))
        {
            string other = Path.Combine(killed, "cells", Path.GetFileName(cell));
            foreach (string weights in (string[])["model.safetensors", Path.Combine("vae", "checkpoint.pt")])
            {
                byte[] one = await File.ReadAllBytesAsync(Path.Combine(cell, "checkpoint", weights), TestContext.Current.CancellationToken);
                byte[] two = await File.ReadAllBytesAsync(Path.Combine(other, "checkpoint", weights), TestContext.Current.CancellationToken);
                Assert.True(one.AsSpan().SequenceEqual(two), $"{weights} differs");
            }
            Assert.Equal(Metrics(cell), Metrics(other));
            Assert.Equal(
                await File.ReadAllBytesAsync(Path.Combine(cell, "samples.png"), TestContext.Current.CancellationToken),
                await File.ReadAllBytesAsync(Path.Combine(other, "samples.png"), TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task A_missing_data_folder_fails_the_cells_by_name_with_exit_code_1()
    {
        using TemporaryFolder folder = new();
        string file = MicroExperiment.Write(folder.Path);
        (int code, string output) = await MicroExperiment.Run("sweep", file, "--out", Path.Combine(folder.Path, "run"), "--set", "data.source=folder", "--set", "data.path=nowhere");
        Assert.Equal(1, code);
        Assert.Contains("nowhere", output, StringComparison.Ordinal);
        Assert.Contains("2 failed", output, StringComparison.Ordinal);
    }

    // SIGKILL once the stage has logged that many images, at whatever step that happens to be.
    private static async Task KillWhen(string file, string run, string stage, int images)
    {
        using Process process = MicroExperiment.Start("sweep", file, "--out", run);
        _ = process.StandardOutput.ReadToEndAsync();
        _ = process.StandardError.ReadToEndAsync();
        Stopwatch clock = Stopwatch.StartNew();
        while (!process.HasExited && clock.Elapsed < TimeSpan.FromSeconds(90))
        {
            if (Directory.Exists(Path.Combine(run, "stages"))
                && Directory.GetDirectories(Path.Combine(run, "stages"), $"{stage}-*.partial").Any(d => LoggedImages(Path.Combine(d, "metrics.jsonl")) >= images))
            {
                process.Kill(true);
                break;
            }
            await Task.Delay(2);
        }
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode != 0, "the process ended before it could be killed");
    }

    private static int LoggedImages(string file)
    {
        try
        {
            using StreamReader reader = new(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            return ImagesField().Matches(reader.ReadToEnd()).Select(m => int.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)).DefaultIfEmpty(0).Max();
        }
        catch (IOException)
        {
            return 0; // not there yet, or being replaced
        }
    }

    private static string Metrics(string cell) => SecondsField().Replace(File.ReadAllText(Path.Combine(cell, "metrics.jsonl")), "");

    [GeneratedRegex("\"images\":(\\d+)")]
    private static partial Regex ImagesField();

    [GeneratedRegex("\"seconds\":[0-9.eE+-]+")]
    private static partial Regex SecondsField();
}
