using System.Text.Json.Nodes;
using NextStep.Research;
using TorchSharp;

namespace NextStep.Research.Experiments.Tests;

/// <summary>The verbs around models, as they are called: a small untrained model in the released layout, the recorded fixtures, exit codes.</summary>
[Collection(nameof(CommandLine))]
public sealed class ModelCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("parity")]
    [InlineData("generate")]
    [InlineData("edit")]
    [InlineData("inspect")]
    [InlineData("convert")]
    [InlineData("drift")]
    public void Help_has_two_examples_and_drawing_shows_the_14B_line_and_the_presets(string verb)
    {
        (int code, string output, _) = CommandLine.Call(verb, "--help");
        Assert.Equal(0, code);
        Assert.True(output.Split($"nextstep {verb} ").Length > 2);
        if (verb is "generate" or "edit")
        {
            Assert.Contains(verb == "edit" ? "--model NextStep-1-Large-Edit --preset edit-1" : "--model NextStep-1.1 --preset t2i-1.1", output, StringComparison.Ordinal);
            Assert.Contains("--device cuda:0 --precision bfloat16", output, StringComparison.Ordinal);
            Assert.All(SamplingPresets.All, p => Assert.Contains(p.Source, output, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_folder_in_the_released_layout_is_inspected_converted_drawn_from_and_edited_with()
    {
        string model = Model(), half = _folder.File("half"), noise = _folder.File("noise.safetensors"), first = _folder.File("first.png"), second = _folder.File("second.png");
        Assert.Contains("image_in_projector", Done("inspect", model), StringComparison.Ordinal);
        JsonNode parts = JsonNode.Parse(Done("inspect", model, "--json"))!;
        Assert.Equal("F32", parts[0]!["tensors"]![0]!["dtype"]!.GetValue<string>());
        Assert.Contains("model.safetensors", Done("convert", model, half, "--dtype", "bf16"), StringComparison.Ordinal);
        Assert.Contains("BF16", Done("inspect", half), StringComparison.Ordinal);

        JsonNode drift = JsonNode.Parse(Done("drift", model, half, "-p", "a red circle", "--json"))!;
        Assert.All(drift["states"]!.AsArray(), s => Assert.InRange(s!["relative"]!.GetValue<double>(), 1e-5, 0.05)); // bfloat16 keeps 8 bits
        Assert.Contains("1 prompt;", Done("drift", model, model, "-p", "a red circle", "--side", "8", "--precision", "bfloat16"), StringComparison.Ordinal);
        Assert.Contains("--steps", CommandLine.Call("drift", model, half, "--steps", "0").Error, StringComparison.Ordinal);

        string said = Done("generate", "-m", model, "-p", "a red circle", "-p", "blue", "-n", "2", "--save-noise", noise, "-o", first);
        Assert.Contains("4 pictures of 16×16", said, StringComparison.Ordinal);
        Assert.Contains("tokens/s", said, StringComparison.Ordinal);
        Done("generate", "-m", model, "-p", "a red circle", "-p", "blue", "-n", "2", "--noise", noise, "--seed", "7", "-o", second);
        using (torch.Tensor one = ImageFile.Load(first), other = ImageFile.Load(second))
        {
            Assert.True(one.equal(other).all().item<bool>());
        }

        string many = _folder.File("many") + "/";
        Assert.Contains(
            "2 pictures of 20×12", // the nearest trained shape, in tokens of 4 pixels
            Done("generate", "-m", half, "-p", "a red circle", "-n", "2", "--aspect", "5:3", "--preset", "t2i-1.1", "--steps", "3", "--noise-level", "0.5", "--precision", "bfloat16", "-o", many), StringComparison.Ordinal);
        Assert.Equal(["0000.png", "0001.png"], Directory.GetFiles(many).Select(Path.GetFileName).Order());

        Done("edit", "-m", model, "-i", first, "-p", "make it blue", "-p", "turn <image> round", "--image-guidance", "1.5", "--guidance-schedule", "linearDecreasing", "--width", "24", "-o", second);
        using torch.Tensor edited = ImageFile.Load(second);
        Assert.Equal(3, edited.size(0));
    }

    [Fact]
    public void An_estimate_says_memory_and_time_and_draws_nothing()
    {
        string[] lines = Done("generate", "-p", "a red circle", "-n", "3", "--batch", "2", "--steps", "2", "--estimate").ReplaceLineEndings("\n").Split('\n');
        Assert.StartsWith("memory     0.", lines[0], StringComparison.Ordinal);
        Assert.Contains("of host memory are free", lines[0], StringComparison.Ordinal);
        Assert.Matches(@"^measured   \d+ of 16 tokens of 2 of 3 pictures, Text guidance, 2 steps, in ", lines[1]);
        Assert.Matches(@"^time       about \d+\.\d s \(\d+\.\d s to \d+\.\d s if all were like the fastest or slowest of these tokens\): .* for each of 15 more, 2 times; \d+\.\d s for the decoder$", lines[2]);
        (int code, _, string error) = CommandLine.Call("generate", "-p", "a red circle");
        Assert.Equal(2, code);
        Assert.Contains("--output is missing", error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_loading_and_drawing_need_is_measured_and_nobodys_folder_is_written_into()
    {
        string kept = _folder.File("kept"), theirs = Path.Combine(kept, "model.safetensors");
        Directory.CreateDirectory(kept);
        File.WriteAllText(theirs, "theirs");
        Refused("int8:GROUP", "--quantization", "int3:32");
        Refused("is there and not empty", "--keep", kept);
        Refused("--keep says how", "--model", Model(), "--keep", _folder.File("other"));
        Refused("leave --gigabytes out", "--released", "--gigabytes", "1");
        Refused("at least 1", "--steps", "0");
        Assert.Equal("theirs", File.ReadAllText(theirs));
        string said = Done("bench", "load", "--model", Model(), "--side", "16", "--steps", "2");
        Assert.Matches(@"drew +16 tokens of 2 steps and 16×16 pixels in ", said);
        Assert.Matches(@"each token +median \d+ ms, from ", said);

        static void Refused(string fault, params string[] options)
        {
            (int code, _, string error) = CommandLine.Call(["bench", "load", .. options]);
            Assert.Equal(2, code);
            Assert.Contains(fault, error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Words_that_the_shipped_model_does_not_know_are_named()
    {
        (int code, _, string error) = CommandLine.Call("generate", "-p", "a red dragon above a dragon", "--steps", "2", "-o", _folder.File("dragon.png"));
        Assert.Equal(0, code);
        Assert.Contains("say nothing to it: dragon\n", error.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "is not a device", "--device", "gpu")]
    [InlineData(1, "There is no device cuda:99", "--device", "cuda:99")]
    [InlineData(2, "there are t2i-1,", "--preset", "none")]
    [InlineData(2, "must be at least 1", "--steps", "0")]
    [InlineData(2, "width:height", "--aspect", "wide")]
    [InlineData(1, "multiples of 4", "--height", "18")]
    [InlineData(1, "needs", "--batch", "1000000", "-n", "1000000", "--width", "65536", "--height", "65536")]
    public void What_cannot_be_drawn_is_said_with_its_exit_code(int expected, string reason, params string[] options)
    {
        (int code, _, string error) = CommandLine.Call(["generate", "-m", Model(), "-p", "x", "-o", _folder.File("x.png"), .. options]);
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.Equal(expected, code);
    }

    [Fact]
    public void Parity_is_exit_code_0_when_all_is_equal_and_1_for_a_difference_or_a_case_that_cannot_be_run()
    {
        string fixtures = Path.GetFullPath(Path.Combine(Folder(), "..", "fixtures")), sound = Path.Combine(fixtures, "fm_head_net.safetensors");
        JsonNode report = JsonNode.Parse(Done("parity", sound, "--json"))!;
        Assert.True(report["passed"]!.GetValue<bool>());
        Assert.All(report["rows"]!.AsArray(), r => Assert.Equal("PASS", r!["verdict"]!.GetValue<string>()));
        using SafetensorsFile source = SafetensorsFile.Open(sound);
        Dictionary<string, torch.Tensor> tensors = source.Entries.Keys.ToDictionary(n => n, n => source.Read(n));
        using (torch.no_grad())
        {
            tensors["main/out.v"].add_(0.01f); // private to this process
        }
        SafetensorsFile.Write(_folder.File("changed.safetensors"), tensors, source.Metadata);
        SafetensorsFile.Write(_folder.File("unknown.safetensors"), tensors, new Dictionary<string, string>(source.Metadata) { ["kind"] = "mystery" });
        Assert.Equal(1, CommandLine.Call("parity", _folder.File("changed.safetensors")).Code);
        (int code, string output, _) = CommandLine.Call("parity", sound, _folder.File("unknown.safetensors"));
        Assert.Equal(1, code);
        Assert.Contains("1 ERROR", output, StringComparison.Ordinal);
    }

    private static string Done(params string[] arguments)
    {
        (int code, string output, string error) = CommandLine.Call(arguments);
        Assert.True(code == 0, error);
        return output;
    }

    private string Model() => SmallModel.In(_folder);

    private static string Folder([System.Runtime.CompilerServices.CallerFilePath] string source = "") => Path.GetDirectoryName(source)!;
}
