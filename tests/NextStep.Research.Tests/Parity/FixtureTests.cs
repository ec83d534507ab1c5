namespace NextStep.Research.Tests;

/// <summary>Every recording of the reference is reproduced.</summary>
public sealed class FixtureTests
{
    public static TheoryData<string> Files => [.. Directory.GetFiles(Fixtures.Folder, "*.safetensors").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_recorded_tensor_is_reproduced(string file)
    {
        ParityReport report = ParityRunner.Run([Fixtures.File(file)]);
        Assert.NotEmpty(report.Rows);
        Assert.DoesNotContain(report.Rows, r => r.Verdict is ParityVerdict.Fail or ParityVerdict.Error);
        Assert.Equal(file == "fm_head_sample_new.safetensors", report.Rows.All(r => r.Verdict == ParityVerdict.Skip));
    }

    [Theory]
    [InlineData("llama_forward.safetensors")]
    [InlineData("nextstep_forward.safetensors")]
    [InlineData("fm_head_net.safetensors")]
    [InlineData("t2i_cfg_constant.safetensors")]
    public void Quantized_matrices_stay_within_the_tolerance_of_their_scheme(string file)
    {
        double[] worst = [.. new[] { new WeightScheme(8, 32), new WeightScheme(4, 32) }.Select(scheme =>
        {
            ParityReport report = ParityRunner.Run([Fixtures.File(file)], scheme: scheme);
            Assert.True(report.Passed);
            Assert.Equal(file is "nextstep_forward.safetensors", report.Rows.Any(r => r.Note.Contains("no gradients", StringComparison.Ordinal)));
            return report.Rows.Max(r => r.Worst / r.Tolerance * FixtureCase.Tolerance(scheme) ?? 0);
        })];
        Assert.True(worst[0] > 10 * FixtureCase.Relative); // they are quantized
        Assert.True(worst[1] > 4 * worst[0]);
    }

    [Fact]
    public void A_file_that_is_no_fixture_is_an_error_that_names_it()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("nonsense.safetensors"), "no header");
        ParityReport report = ParityRunner.Run([folder.File("nonsense.safetensors"), folder.File("absent.safetensors")]);
        Assert.False(report.Passed);
        Assert.All(report.Rows, r => Assert.Equal(ParityVerdict.Error, r.Verdict));
        Assert.Equal(["nonsense.safetensors", "absent.safetensors"], report.Rows.Select(r => r.File));
    }

    [Fact]
    public void A_fixture_without_its_weights_is_an_error()
    {
        using TemporaryFolder folder = new();
        File.Copy(Fixtures.File("t2i_no_cfg.safetensors"), folder.File("t2i_no_cfg.safetensors"));
        ParityRow row = Assert.Single(ParityRunner.Run([folder.File("t2i_no_cfg.safetensors")]).Rows);
        Assert.Equal(ParityVerdict.Error, row.Verdict);
        Assert.Contains("t2i_model_weights", row.Note, StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_number_fails_and_an_unknown_output_is_an_error()
    {
        using TemporaryFolder folder = new();
        using SafetensorsFile source = SafetensorsFile.Open(Fixtures.File("fm_head_net.safetensors"));
        Dictionary<string, TorchSharp.torch.Tensor> tensors = source.Entries.Keys.ToDictionary(n => n, source.Read);
        tensors["main/out.v"] = tensors["main/out.v"] + 0.01f;
        tensors["main/out.surprise"] = tensors["main/in.x"];
        SafetensorsFile.Write(folder.File("changed.safetensors"), tensors, source.Metadata);
        ParityReport report = ParityRunner.Run([folder.File("changed.safetensors")]);
        Assert.False(report.Passed);
        Assert.Equal(ParityVerdict.Fail, report.Rows.Single(r => r.Tensor == "out.v").Verdict);
        Assert.Equal(ParityVerdict.Error, report.Rows.Single(r => r.Tensor == "out.surprise").Verdict);
    }
}
