namespace NextStep.Research.Experiments.Tests;

/// <summary>The program as it is called, with its exit codes. Not beside other tests: the console is one.</summary>
[Collection(nameof(CommandLine))]
public sealed class CommandLineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static (int Code, string Output, string Error) Call(params string[] args) => CommandLine.Call(args);

    [Theory]
    [InlineData("doctor")]
    [InlineData("plan")]
    [InlineData("sweep")]
    [InlineData("work")]
    [InlineData("replay")]
    [InlineData("status")]
    [InlineData("compare")]
    [InlineData("report")]
    [InlineData("train")]
    [InlineData("export")]
    [InlineData("evaluate")]
    [InlineData("artifacts")]
    public void Every_verb_has_help_with_two_examples(string verb)
    {
        (int code, string output, string error) = Call(verb, "--help");
        Assert.Equal((0, ""), (code, error));
        string examples = output[output.IndexOf("Examples:", StringComparison.Ordinal)..output.IndexOf("Usage:", StringComparison.Ordinal)];
        Assert.InRange(examples.Split($"nextstep {verb}").Length - 1, 2, 3);
    }

    [Theory]
    [InlineData("swep")]
    [InlineData("sweep")]
    [InlineData("sweep", "a.yaml", "--nonsense")]
    [InlineData("train", "everything", "a.yaml")]
    public void Wrong_use_is_exit_code_2(params string[] args)
    {
        (int code, _, string error) = Call(args);
        Assert.Equal(2, code);
        Assert.Contains("--help", error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_invalid_experiment_is_exit_code_2_with_file_line_and_key()
    {
        string file = _folder.Write("bad.yaml", "seed: 1\naxes:\n  autoencoder.noiseStrenght: [1]\n");
        foreach (string verb in new[] { "plan", "sweep" })
        {
            (int code, _, string error) = Call(verb, file, "--out", _folder.File("run"));
            Assert.Equal(2, code);
            Assert.Equal($"{file}:3: axes.autoencoder.noiseStrenght: unknown key; did you mean 'autoencoder.noiseStrength'?", error.Trim());
        }
        Assert.False(Directory.Exists(_folder.File("run")));
        Assert.Contains("no such file", Call("plan", _folder.File("none.yaml")).Error, StringComparison.Ordinal);
        Assert.Contains("there is no arm 'x'", Call("sweep", _folder.Write("good.yaml", "seed: 1"), "--only", "x").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("compare")]
    [InlineData("report")]
    [InlineData("export", "--format", "csv")]
    public void A_folder_that_is_no_run_is_exit_code_1(string verb, params string[] options)
    {
        (int code, _, string error) = Call([verb, _folder.File("none"), .. options]);
        Assert.Equal(1, code);
        Assert.Contains("there is no run folder", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_folder_that_cannot_be_written_is_told()
    {
        string file = _folder.Write("e.yaml", "seed: 1");
        _folder.Write("taken", "a file where the folder should be");
        (int code, _, string error) = Call("sweep", file, "--out", _folder.File("taken"));
        Assert.Equal(1, code);
        Assert.StartsWith("error: cannot write to", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_and_status_show_cells()
    {
        string file = _folder.Write("e.yaml", "name: noise\naxes: { autoencoder.noiseStrength: [0, 0.5] }\nseeds: [0, 1]");
        (int code, string output, _) = Call("plan", file);
        Assert.Equal(0, code);
        Assert.Contains("4 cells", output, StringComparison.Ordinal);
        Assert.Contains("noiseStrength=0: own autoencoder (autoencoder.noiseStrength 0.5 → 0), latents, model, samples, metrics", output, StringComparison.Ordinal);
        Sweep.Prepare(new RunFolder(_folder.File("run")), Plan.Make(ExperimentFile.Load(file), StandardStages.All), false);
        Assert.Contains("0 done", output = Call("status", _folder.File("run")).Output, StringComparison.Ordinal);
        Assert.Contains("4 waiting", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Doctor_finds_this_machine_well()
    {
        (int code, string output, string error) = Call("doctor");
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("GFLOP/s", output, StringComparison.Ordinal);
    }
}
