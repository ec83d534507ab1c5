using System.Globalization;
using System.Text;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports.Tests;

/// <summary>A finished run folder of any size, with as many pictures, curves and numbers as the stages leave; deleted at the end.</summary>
internal sealed class LargeRun : IDisposable
{
    private const int Tile = 32;
    private const int Enlarged = 3;
    private const int Padded = (Tile * Enlarged) + (2 * SampleSheet.Padding);
    private const int Drawn = 32;

    private static readonly string[] HeatMaps = ["blockiness", "flat", "lattice", "noise"];
    private static readonly string[] Curves =
    [
        "artifacts.blockiness.byToken", "artifacts.flat.byToken", "artifacts.lattice.byToken", "artifacts.noise.byToken", "flow.loss.byPosition", "flow.loss.byTime",
        "latents.channel.kurtosis", "latents.channel.mean", "latents.channel.std", "latents.histogram", "latents.robustness.psnr", "latents.robustness.ssim",
        "latents.token.mean", "latents.token.std", "tokens.mean.guidance1", "tokens.mean.guidance2", "tokens.variance.guidance1", "tokens.variance.guidance2", "verifier.blur", "verifier.noise",
    ];

    /// <summary>Writes it: a grid of two axes, the same seeds for every arm.</summary>
    public LargeRun(int arms, int seeds)
    {
        Folder = Path.Combine(Path.GetTempPath(), "nextstep-large-" + Guid.NewGuid().ToString("N"));
        int rows = Enumerable.Range(1, (int)Math.Sqrt(arms)).Last(r => arms % r == 0);
        PlannedArm[] planned =
        [
            .. Enumerable.Range(0, arms).Select(i => new Dictionary<string, string> { ["model.inputNoise"] = $"0.{i / rows}", ["sampling.guidance"] = $"{i % rows}" })
                .Select((c, i) => new PlannedArm(i == 0 ? "baseline" : $"inputNoise={c["model.inputNoise"]},guidance={c["sampling.guidance"]}", c, c)),
        ];
        PlannedCell[] cells = [.. Enumerable.Range(0, seeds).SelectMany(s => planned.Select((a, i) => new PlannedCell($"{i:x4}{s:x4}", a.Name, s, [])))];
        new RunFolder(Folder).WritePlan(new Plan
        {
            Name = "large", Question = "How large is the report?", Arms = planned, Axes = ["model.inputNoise", "sampling.guidance"], Cells = cells,
            Measure = ["alignment", "flow.loss", "*"], Claims = [], Config = new Dictionary<string, string>(),
        });
        byte[] sheet = Sheet((i, x, y) => Picture(i, x, y)), heat = Sheet((i, x, y) => 0x010101 * (int)(80 + (79 * Math.Sin(i + (0.4 * x) + (0.3 * y)))));
        foreach (PlannedCell cell in cells)
        {
            Write(cell, Array.IndexOf(cells, cell), sheet, heat);
        }
    }

    public string Folder { get; }

    public void Dispose() => Directory.Delete(Folder, true);

    private void Write(PlannedCell cell, int number, byte[] sheet, byte[] heat)
    {
        string folder = Path.Combine(Folder, "cells", cell.Key);
        Directory.CreateDirectory(folder);
        Dictionary<string, string> pictures = new() { ["samples"] = "samples.png", ["reconstructions"] = "reconstructions.png" };
        File.WriteAllBytes(Path.Combine(folder, "samples.png"), TinyPng.Marked(sheet, cell.Key));
        File.WriteAllBytes(Path.Combine(folder, "reconstructions.png"), TinyPng.Marked(sheet, $"seed {cell.Seed}"));
        foreach (string name in HeatMaps)
        {
            pictures[$"heatmap.{name}"] = $"heatmap.{name}.png";
            File.WriteAllBytes(Path.Combine(folder, $"heatmap.{name}.png"), TinyPng.Marked(heat, cell.Key + name));
        }
        double[] x = [.. Enumerable.Range(0, 40).Select(i => (double)i)];
        RunFolder.Write(Path.Combine(folder, Curve.FileName), Curves.ToDictionary(c => c, c => new Curve(
            $"The curve {c}", "position", "value", x, new[] { "generated", "real" }.ToDictionary(l => l, l => (IReadOnlyList<double>)[.. x.Select(v => Wave(v, number + l.Length))]))));
        Dictionary<string, double> metrics = Enumerable.Range(0, 60).ToDictionary(i => $"artifacts.number{i}", i => Wave(i, number));
        metrics["alignment"] = 0.5 + (0.3 * Wave(number, 3));
        metrics["flow.loss"] = 1 + Wave(number, 5);
        RunFolder.Write(Path.Combine(folder, "result.json"), new CellResult
        {
            Cell = cell.Key, Arm = cell.Arm, Seed = cell.Seed, Metrics = metrics, Stages = new Dictionary<string, string>(), Pictures = pictures,
            Prompts = [.. Enumerable.Range(0, Drawn).Select(i => $"prompt {i} of seed {cell.Seed}")], Seconds = new Dictionary<string, double> { ["model"] = 100 },
        });
        var log = new StringBuilder();
        for (int step = 1; step <= 200; step++)
        {
            log.Append(CultureInfo.InvariantCulture, $"{{\"stage\":\"model\",\"images\":{step * 640},\"flow.loss\":{1 + Wave(step, number):R},\"text.loss\":{2 + Wave(step, -number):R},\"gradientNorm\":{Wave(step, 2 * number):R}}}\n");
        }
        File.WriteAllText(Path.Combine(folder, "metrics.jsonl"), log.ToString());
    }

    private static double Wave(double at, double phase) => Math.Sin((0.13 * at) + (0.7 * phase)) + (0.01 * Math.Sin(37 * at * (1 + phase)));

    // Soft discs on a noisy ground: about as hard to compress as what small models draw.
    private static int Picture(int number, int x, int y)
    {
        double distance = Math.Sqrt(Math.Pow(x - 16, 2) + Math.Pow(y - 16, 2));
        int value = (int)(120 + (100 * Math.Tanh((9 - distance) / 3))), grain = (int)(6 * Math.Sin((number * 131) + (x * 17.3) + (y * 29.7) + (x * y)));
        return (Math.Clamp(value + grain, 0, 255) << 16) | (Math.Clamp(250 - value + grain, 0, 255) << 8) | Math.Clamp((number * 8) + (2 * grain), 0, 255);
    }

    private static byte[] Sheet(Func<int, int, int, int> colour)
    {
        int columns = SampleSheet.Columns(Drawn), rows = Drawn / columns;
        return TinyPng.Bytes(Padded * columns, Padded * rows, (x, y) =>
        {
            int inX = (x % Padded) - SampleSheet.Padding, inY = (y % Padded) - SampleSheet.Padding;
            bool padding = inX < 0 || inY < 0 || inX >= Tile * Enlarged || inY >= Tile * Enlarged;
            return padding ? 0xffffff : colour((y / Padded * columns) + (x / Padded), inX / Enlarged, inY / Enlarged);
        });
    }
}
