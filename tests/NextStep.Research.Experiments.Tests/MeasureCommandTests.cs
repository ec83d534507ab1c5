using System.Text.Json;
using TorchSharp;

namespace NextStep.Research.Experiments.Tests;

/// <summary><c>artifacts</c> and <c>evaluate</c> on pictures, good and bad.</summary>
[Collection(nameof(CommandLine))]
public sealed class MeasureCommandTests : IDisposable
{
    private static readonly TokenGrid Grid = new(8, 4);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Artifacts_of_a_folder_are_related_to_real_pictures_and_mapped()
    {
        string real = Draw("real", 6, 1, null), noisy = Draw("noisy", 6, 2, PlantedArtifact.GlobalNoise);
        (int code, string output, string error) = CommandLine.Call("artifacts", noisy, "--reference", real, "--patch", "8", "--json", "--heatmaps", _folder.File("maps"));
        Assert.True(code == 0, error);
        using JsonDocument document = JsonDocument.Parse(output);
        JsonElement noise = document.RootElement.GetProperty("artifacts").EnumerateArray().Single(a => a.GetProperty("name").GetString() == "noiseMedian");
        Assert.InRange(noise.GetProperty("value").GetDouble(), 0.045, 0.06);
        Assert.Equal(noise.GetProperty("value").GetDouble() / noise.GetProperty("real").GetDouble(), noise.GetProperty("ratio").GetDouble(), 9);
        Assert.Equal(6, noise.GetProperty("perPicture").GetArrayLength());
        Assert.Equal(16, document.RootElement.GetProperty("artifacts").EnumerateArray().Single(a => a.GetProperty("name").GetString() == "flat").GetProperty("byToken").GetArrayLength());
        Assert.Equal(6 * 6, Directory.GetFiles(_folder.File("maps")).Length); // blockiness, its stride, two lattices, noise, flat
        (code, output, _) = CommandLine.Call("artifacts", noisy, "--patch", "8", "--each");
        Assert.Equal(0, code);
        Assert.Contains("6 pictures of 32x32 pixels, tokens of 8, stride 4", output, StringComparison.Ordinal);
        Assert.Contains("005.png", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Held_out_prompts_come_from_the_skills_that_have_any_and_from_no_others()
    {
        ResearchConfig config = new() { Evaluation = new EvaluationConfig { Samples = 100, Pairs = PairSplit.HeldOut } };
        IReadOnlyList<string> prompts = CellMeasures.Prompts(config);
        Assert.Equal(100, prompts.Count);
        Assert.All(prompts, p => Assert.Contains(CaptionGrammar.Parse(p).Objects, o => o.Color is { } color && HeldOutPairs.Contains(o.Kind, color)));
        Assert.Equal(5, prompts.Select(p => CaptionGrammar.Parse(p).Skill).Distinct().Count());
        ArgumentException none = Assert.Throws<ArgumentException>(() => CellMeasures.Prompts(config with { Data = new DataConfig { Skills = ["two"] } }));
        Assert.Contains("evaluation.pairs", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_folders_are_compared_with_what_the_numbers_depend_on()
    {
        string real = Draw("real", 24, 1, null), drawn = Draw("drawn", 12, 2, null);
        (int code, string output, string error) = CommandLine.Call("evaluate", "--pictures", drawn, "--reference", real, "--patch", "8");
        Assert.True(code == 0, error);
        Assert.Contains("FD[random-conv-v1]; extractor", output, StringComparison.Ordinal);
        Assert.Contains("n 12 against 24; resizing none; rounded to 8 bits; rank-deficient", output, StringComparison.Ordinal);
        Assert.Contains("artifacts.blockiness.ratio", output, StringComparison.Ordinal);
        (code, output, error) = CommandLine.Call("evaluate", "--pictures", Draw("one", 1, 3, null), "--reference", real, "--json");
        Assert.True(code == 0, error);
        Assert.Contains("there are 1 generated and 24 reference pictures", output, StringComparison.Ordinal);
        Assert.DoesNotContain("frechet", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Bad_pictures_are_one_sentence_and_exit_code_1()
    {
        string good = Draw("good", 2, 1, null), mixed = Draw("mixed", 2, 1, null), broken = Draw("broken", 2, 1, null);
        Directory.CreateDirectory(_folder.File("empty"));
        using (torch.Tensor other = DeadLeaves.Draw(1, 16, 4))
        {
            ImageFile.Save(Path.Combine(mixed, "other.png"), other[0]);
        }
        File.WriteAllText(Path.Combine(broken, "text.png"), "no picture");
        foreach ((string[] arguments, string expected) in new (string[], string)[]
        {
            (["artifacts", _folder.File("empty")], "There are no pictures in"),
            (["artifacts", _folder.File("nowhere")], "There is no picture or folder"),
            (["artifacts", mixed], "2 sizes: 2 of 32x32"),
            (["artifacts", broken], "1 of 3 pictures cannot be read: "),
            (["artifacts", good, "--patch", "8", "--stride", "3"], "no multiple of a stride of 3"),
            (["evaluate", _folder.File("nowhere")], "There is no folder"),
            (["evaluate", good], "holds no model"),
            (["evaluate", "--pictures", good, "--reference", _folder.File("empty")], "There are no pictures in"),
            (["evaluate", "--pictures", good, "--reference", good, "--onnx", Path.Combine(broken, "text.png")], "is a text of 10 bytes"),
        })
        {
            (int code, string output, string error) = CommandLine.Call(arguments);
            Assert.True(code == 1 && error.Contains(expected, StringComparison.Ordinal), $"{string.Join(' ', arguments)}: {code} {error} {output}");
            Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
            Assert.Single(error.Trim().Split('\n'));
        }
        Assert.Equal(2, CommandLine.Call("artifacts").Code);
        Assert.Equal(2, CommandLine.Call("evaluate").Code);
        Assert.Equal(2, CommandLine.Call("evaluate", "--pictures", good).Code);
        Assert.Equal(0, CommandLine.Call("artifacts", broken, "--skip-broken").Code);
        Assert.Equal(0, CommandLine.Call("artifacts", mixed, "--resize", "32").Code);
    }

    [Fact]
    public void The_selectivity_matrix_is_printed()
    {
        (int code, string output, string error) = CommandLine.Call("artifacts", "--selectivity");
        Assert.True(code == 0, error);
        Assert.Equal(6, output.Split('\n').Count(l => l.Contains(" ×", StringComparison.Ordinal)));
    }

    private string Draw(string name, int count, int seed, PlantedArtifact? artifact)
    {
        string folder = _folder.File(name);
        Directory.CreateDirectory(folder);
        using torch.Tensor clean = DeadLeaves.Draw(count, 32, seed);
        using torch.Tensor pictures = artifact is { } planted ? Planting.Apply(clean, planted, Grid, 0.05, seed) : clean.clone();
        for (int i = 0; i < count; i++)
        {
            using torch.Tensor one = pictures[i];
            ImageFile.Save(Path.Combine(folder, $"{i:D3}.png"), one);
        }
        return folder;
    }
}
