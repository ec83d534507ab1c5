using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Noise that is kept and replayed, and the noise of input pictures.</summary>
public sealed class RecordedNoiseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TextTokenizer _tokenizer = WordTokenizer.FromCaptions(["a red circle"]);
    private readonly NextStepModel _model;
    private readonly GenerationRequest _request;

    public RecordedNoiseTests()
    {
        _model = TinyModels.Model(_tokenizer);
        Tensor picture = TinyModels.Normal("in", 3, 8, 8).clamp(-1, 1);
        _request = new GenerationRequest
        {
            Prompts = ["<image>a red circle", "<image>red"],
            ImagesPerPrompt = 2,
            Images = [picture, picture.neg()],
            Height = 8,
            Width = 12,
            Seed = 4,
            Sampling = new SamplingConfig { Steps = 3, ImageGuidance = 1.5, Solver = SamplingSolver.Sde },
        };
    }

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("ode")]
    [InlineData("sde")]
    [InlineData("cps")]
    [InlineData("reference")]
    [InlineData("released")]
    public void Kept_draws_give_the_same_picture_again(string solverName)
    {
        SamplingSolver solver = (SamplingSolver)ComponentCatalog.Make(typeof(SamplingSolver), solverName);
        ImageGenerator generator = Generator(deterministic: true);
        GenerationRequest request = _request with { Sampling = _request.Sampling with { Solver = solver } };
        using RecordingNoise recording = new(ImageGenerator.NoiseOf(request));
        Tensor first = generator.Drawn(request with { Noise = recording });
        string file = _folder.File("noise.safetensors");
        RecordedDraws.Save(file, recording.Draws);
        using RecordedNoise replay = RecordedDraws.Open(file);
        TensorAssert.Same(first, generator.Drawn(request with { Noise = replay, Seed = 99 }));
        Assert.Equal(0, replay.Remaining);
        if (solver != SamplingSolver.Reference)
        {
            Assert.InRange(TinyModels.Distance(first, generator.Drawn(request)), 0, 1e-5); // keeping them changes nothing
        }
    }

    [Fact]
    public void The_draw_that_the_reference_makes_for_a_posterior_without_width_is_passed_over()
    {
        ImageGenerator generator = Generator(deterministic: true);
        using RecordingNoise recording = new(ImageGenerator.NoiseOf(_request));
        Tensor first = generator.Drawn(_request with { Noise = recording });
        Tensor[] posterior = [randn(8, 4, 4, 4)]; // four pictures, and their copies for the branch without text
        using RecordedNoise replay = new(posterior.Concat(recording.Draws).Select(d => d.clone()));
        TensorAssert.Same(first, generator.Drawn(_request with { Noise = replay }));
    }

    [Fact]
    public void With_a_posterior_of_some_width_a_picture_still_does_not_depend_on_its_batch()
    {
        ImageGenerator generator = Generator(deterministic: false);
        Tensor together = generator.Drawn(_request), single = generator.Drawn(_request with { BatchSize = 1 });
        Assert.InRange(TinyModels.Distance(together, single), 0, 1e-4);
        Assert.True(TinyModels.Distance(together, Generator(deterministic: true).Drawn(_request)) > 1e-3);
    }

    private ImageGenerator Generator(bool deterministic)
    {
        ImageAutoencoder autoencoder = new(TinyModels.Autoencoder with { Deterministic = deterministic });
        TinyModels.Randomize(autoencoder, 2);
        autoencoder.eval();
        return new ImageGenerator(_model, autoencoder, _tokenizer);
    }
}
