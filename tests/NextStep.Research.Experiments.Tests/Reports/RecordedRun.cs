using System.Globalization;
using System.Text;
using System.Text.Json;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports.Tests;

/// <summary>A small run folder in a temporary place, as a sweep would leave it; deleted at the end.</summary>
internal sealed class RecordedRun : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public RecordedRun(params string[] arms)
    {
        Arms = arms.Length > 0 ? arms : ["baseline", "noiseStrength=0"];
        Folder = Path.Combine(Path.GetTempPath(), "nextstep-report-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Folder);
    }

    public string Folder { get; }

    public IReadOnlyList<string> Arms { get; }

    public int Seeds { get; init; } = 2;

    public IReadOnlyList<string> Prompts { get; init; } = ["a red circle", "a red circle", "a blue square", "a green triangle"];

    public string Question { get; init; } = "Does noise on the latents give better pictures?";

    public string CellFolder(int arm, int seed) => Path.Combine(Folder, "cells", Key(arm, seed));

    /// <summary>Where a model in training writes before it is done.</summary>
    public string UnfinishedStage(int arm, int seed) => Path.Combine(Folder, "cells", Key(arm, seed), "model.partial");

    public static string Key(int arm, int seed) => $"ce11{arm}{seed}";

    private static PlannedStage[] Stages(int arm, int seed) =>
    [
        new("autoencoder", $"a{arm / 2}{seed}", $"stages/autoencoder-a{arm / 2}{seed}", true),
        new("model", $"b{arm}{seed}", $"cells/{Key(arm, seed)}/model", false),
    ];

    public void WritePlan() => new RunFolder(Folder).WritePlan(new Plan
    {
        Name = "noise-strength",
        Question = Question,
        Arms =
        [
            .. Arms.Select((a, i) => new PlannedArm(
                a, new Dictionary<string, string> { ["autoencoder.noiseStrength"] = i == 0 ? "0.5" : $"0.{i - 1}" }, new Dictionary<string, string> { ["autoencoder.noiseStrength"] = i == 0 ? "0.5" : $"0.{i - 1}" })),
        ],
        Axes = ["autoencoder.noiseStrength"],
        Cells = [.. Enumerable.Range(0, Seeds).SelectMany(s => Arms.Select((a, i) => new PlannedCell(Key(i, s), a, s, Stages(i, s))))],
        // Two seeds that differ by almost the same, by exactly the same, and the first the other way round.
        Claims = !Arms.Contains("noiseStrength=0") ? [] :
        [
            new("generation loss rises without noise", "flow.loss[noiseStrength=0] > flow.loss[baseline]"),
            new("pictures get better up to γ = 0.5", "alignment.single[baseline] > alignment.single[noiseStrength=0]"),
            new("noise makes the model predict worse", "flow.loss[baseline] > flow.loss[noiseStrength=0]"),
        ],
        Config = new Dictionary<string, string>(),
        Measure = ["autoencoder.psnr", "flow.loss", "alignment", "alignment.*", "text.loss"],
        Provenance = new Dictionary<string, string> { ["commit"] = "0123abc, clean", ["started"] = "2026-01-02 03:04:05Z", ["device"] = "cpu, 2 threads" },
        Commands = ["nextstep sweep experiments/noise-strength.yaml", "nextstep report runs/noise-strength"],
    });

    public RecordedRun WriteAll()
    {
        WritePlan();
        for (int arm = 0; arm < Arms.Count; arm++)
        {
            for (int seed = 0; seed < Seeds; seed++)
            {
                WriteCell(arm, seed);
            }
        }

        return this;
    }

    public void WriteCell(int arm, int seed)
    {
        string folder = CellFolder(arm, seed);
        Directory.CreateDirectory(folder);
        WriteMetrics(folder, arm, seed);
        File.WriteAllBytes(Path.Combine(folder, "samples.png"), Sheet(arm, seed, Shape));
        File.WriteAllBytes(Path.Combine(folder, "heatmap.noise.png"), Sheet(arm, seed, (tile, x, y) => 0x010101 * (tile * x * y % 200)));
        // The autoencoder is shared by the first two arms.
        File.WriteAllBytes(Path.Combine(folder, "reconstructions.png"), Sheet(arm / 2, seed, Shape));
        File.WriteAllText(Path.Combine(folder, Curve.FileName), JsonSerializer.Serialize(Curves(arm, seed), Json));
        var result = new CellResult
        {
            Cell = Key(arm, seed),
            Arm = Arms[arm],
            Seed = seed,
            Metrics = new Dictionary<string, double>
            {
                ["autoencoder.psnr"] = 29.5 + (0.31 * (arm / 2)) + (0.05 * seed),
                ["flow.loss"] = 0.4321 + (0.1 * arm) + (0.01 * seed) + (0.0002 * arm * seed),
                ["alignment"] = 0.625 - (0.1 * arm) + (0.012 * seed * (arm + 1)),
                ["alignment.single"] = 0.71 - (0.2 * arm) + (0.03 * seed),
                ["text.loss"] = 0.25,
            },
            Stages = new Dictionary<string, string> { ["autoencoder"] = "stages/autoencoder-abc" },
            Pictures = new Dictionary<string, string> { ["samples"] = "samples.png", ["reconstructions"] = "reconstructions.png", ["heatmap.noise"] = "heatmap.noise.png" },
            Prompts = Prompts,
            Outcomes = new Dictionary<string, PictureOutcomes> { ["alignment"] = new("the same prompts", new string('1', 24 - (8 * arm) + seed) + new string('0', 6 + (8 * arm) - seed)) },
            Seconds = new Dictionary<string, double> { ["autoencoder"] = 61.25, ["model"] = 120.5, ["samples"] = 3.25 },
        };
        File.WriteAllText(Path.Combine(folder, "result.json"), JsonSerializer.Serialize(result, Json));
    }

    public static string WriteMetrics(string folder, int arm, int seed)
    {
        var log = new StringBuilder();
        for (int step = 1; step <= 30; step++)
        {
            double auto = 0.05 + Math.Exp(-step / 6.0) + (0.004 * Math.Sin((7 * step) + seed + (arm / 2)));
            log.Append(CultureInfo.InvariantCulture, $"{{\"stage\":\"autoencoder\",\"images\":{step * 320},\"autoencoder.loss\":{auto:F5},\"autoencoder.psnr\":{31 - (12 * auto):F4},\"learningRate\":0.002,\"seconds\":{step * 2}}}\n");
        }

        for (int step = 1; step <= 40; step++)
        {
            double flow = 0.43 + (0.1 * arm) + (0.9 * Math.Exp(-step / 8.0)) + (0.02 * Math.Sin((5 * step) + (3 * seed)));
            string bins = string.Join(',', Enumerable.Range(0, 10).Select(b => string.Create(CultureInfo.InvariantCulture, $"\"flow.loss.t{b}\":{flow * (0.6 + (0.02 * (b - 5) * (b - 5))):F5}")));
            log.Append(CultureInfo.InvariantCulture, $"{{\"stage\":\"model\",\"images\":{step * 640},\"flow.loss\":{flow:F5},{bins},\"text.loss\":{0.25 + Math.Exp(-step / 5.0):F5},\"gradient.norm\":{flow * 2:F4},\"learningRate\":0.001,\"seconds\":{step * 3}}}\n");
        }

        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, "metrics.jsonl");
        File.WriteAllText(path, log.ToString());
        return path;
    }

    /// <summary>The report's text without plotly.js, which is megabytes of somebody else's.</summary>
    public string Report()
    {
        string html = File.ReadAllText(WriteReport());
        int start = html.LastIndexOf("<script>", StringComparison.Ordinal);
        int plotly = html.LastIndexOf("<script>", start - 1, StringComparison.Ordinal);
        return html[..plotly] + html[start..];
    }

    public string WriteReport()
    {
        string output = Path.Combine(Folder, "report.html");
        HtmlReport.Write(Folder, output);
        return output;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static Dictionary<string, Curve> Curves(int arm, int seed)
    {
        double[] position = [.. Enumerable.Range(0, 16).Select(i => (double)i)];
        double[] noise = [.. position.Select(p => 0.1 + (0.01 * p * (1 + arm)) + (0.001 * seed))], real = [.. position.Select(_ => 0.1)];
        return new Dictionary<string, Curve>
        {
            ["artifacts.noise.byToken"] = new("Local noise by token", "raster index", "standard deviation", position, Lines(("generated", noise), ("real", real))),
            ["latents.histogram"] = new("Values of latents", "value", "share", [-1, 0, 1], Lines(("all channels", [0.2, 0.6, 0.2]), ("standard normal", [0.3, 0.4, 0.3]), ("channel 0", [0.1, 0.8, 0.1]), ("channel 1", [0.4, double.NaN, 0.2]))),
            ["tokens.mean.guidance1"] = new("Mean of tokens, guidance 1", "raster index", "mean", position, Lines(("as sampled", noise))),
            ["tokens.mean.guidance2.5"] = new("Mean of tokens, guidance 2.5", "raster index", "mean", position, Lines(("as sampled", [.. noise.Select(v => 3 * v)]))),
        };
    }

    private static Dictionary<string, IReadOnlyList<double>> Lines(params (string Name, double[] Values)[] lines) =>
        lines.ToDictionary(l => l.Name, l => (IReadOnlyList<double>)l.Values);

    // As the samples stage draws it: pixels enlarged three times, two white ones around each picture.
    private byte[] Sheet(int arm, int seed, Func<int, int, int, int> colour)
    {
        const int Tile = 16, Enlarged = 3, Padded = (Tile * Enlarged) + (2 * SampleSheet.Padding);
        int columns = SampleSheet.Columns(Prompts.Count), rows = (Prompts.Count + columns - 1) / columns;
        return TinyPng.Bytes(Padded * columns, Padded * rows, (x, y) =>
        {
            int tile = (y / Padded * columns) + (x / Padded), inX = (x % Padded) - SampleSheet.Padding, inY = (y % Padded) - SampleSheet.Padding;
            bool padding = inX < 0 || inY < 0 || inX >= Tile * Enlarged || inY >= Tile * Enlarged;
            return padding ? 0xffffff : colour(tile + (10 * arm) + (100 * seed), inX / Enlarged, inY / Enlarged);
        });
    }

    private static int Shape(int number, int x, int y)
    {
        int[] colours = [0xd03030, 0x3050d0, 0x30a040, 0xe0b020, 0x9040b0, 0x40b0c0];
        int arm = number / 10 % 10, tile = number % 10, dx = x - 8, dy = y - 8, size = 3 + ((tile + (number / 100)) % 4);
        bool inside = (tile % 2 == 0 ? (dx * dx) + (dy * dy) < size * size : Math.Abs(dx) < size && Math.Abs(dy) < size) && ((x + (y * arm)) % 7 != 0 || arm == 0);
        return inside ? colours[tile % colours.Length] : 0xf0ead8;
    }
}
