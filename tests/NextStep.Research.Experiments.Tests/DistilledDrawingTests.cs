using NextStep.Research;

namespace NextStep.Research.Experiments.Tests;

/// <summary>A model with a distilled form draws with that, and as it was trained by one option.</summary>
[Collection(nameof(CommandLine))]
public sealed class DistilledDrawingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_distilled_form_draws_unless_another_way_is_asked_for()
    {
        string model = SmallModel.In(_folder), picture = _folder.File("a.png");
        byte[] trained = Draw();
        Directory.CreateDirectory(Path.Combine(model, "distilled"));
        using (LoadedModel loaded = ReleasedFolder.Load(model))
        {
            using IDisposable guard = TorchSharp.torch.no_grad();
            foreach ((string _, TorchSharp.Modules.Parameter parameter) in loaded.Model.Head.named_parameters().Where(p => p.name.EndsWith("final_layer.linear.bias", StringComparison.Ordinal)))
            {
                parameter.fill_(Scalars.Of(2)); // a first head's velocity is 0, whatever the other weights are
            }
            ReleasedFolder.Save(_folder.File("other"), loaded.Model, loaded.Autoencoder, loaded.Tokenizer, 16, new SamplingConfig { Guidance = 1, Steps = 1 });
        }
        byte[] other = Pixels("-m", _folder.File("other"), "-p", "x", "-o", picture);
        Assert.NotEqual(trained, other);
        foreach (string file in (string[])["config.json", "model.safetensors"])
        {
            File.Copy(Path.Combine(_folder.File("other"), file), Path.Combine(model, "distilled", file));
        }

        Assert.Equal(other, Draw());
        DrawingRecord record = DrawingRecord.Read(picture);
        Assert.Equal((true, 1, 1), (record.Distilled, record.Sampling.Guidance, record.Sampling.Steps));
        string kept = _folder.File("kept.png");
        File.Copy(picture, kept);
        Assert.Equal(other, Pixels("--like", kept, "-o", picture));
        Assert.Equal(File.ReadAllBytes(kept), File.ReadAllBytes(picture));
        Assert.Equal(trained, Draw("--full"));
        File.Copy(picture, kept, overwrite: true);
        Assert.Equal(trained, Pixels("--like", kept, "-o", picture)); // drawn in full once, in full again
        Assert.Equal(trained, Draw("--steps", "2"));
        Assert.Equal(trained, Draw("--solver", "ode"));

        byte[] Draw(params string[] more) => Pixels(["-m", model, "-p", "x", "-o", picture, .. more]);

        byte[] Pixels(params string[] arguments)
        {
            (int code, _, string error) = CommandLine.Call(["generate", .. arguments]);
            Assert.True(code == 0, error);
            using TorchSharp.torch.Tensor pixels = ImageFile.Load(picture);
            return [.. pixels.data<float>().Select(v => (byte)((v + 1) * 127.5f))];
        }
    }
}
