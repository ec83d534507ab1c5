using System.Reflection;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>
/// Who disposes: the receiver what it received, nobody what was lent, and nothing else lives on. Outside of any dispose scope, where all shows; counted on
/// one thread, so that other tests do not disturb, and what works with several (<see cref="Batches.Load"/>) cannot be here.
/// </summary>
public sealed class HandedOutTests
{
    // Arguments of calls and what lives in the scope of one step: their tensors stay those of whoever made them.
    private static readonly string[] Lent =
    [
        nameof(GenerationRequest), nameof(LearningWeight), nameof(MetricContext), nameof(MetricResult), nameof(RotaryAngles), nameof(SampledToken), nameof(SequencePacking), nameof(StepMetric),
    ];

    private static readonly Lazy<Dictionary<string, Func<object>>> Made = new(OutsideOfATest);

    private static Dictionary<string, Func<object>> Calls => Made.Value;

    public static TheoryData<string> Names => [.. Calls.Keys];

    private static long Live => DisposeScopeManager.Statistics.ThreadTotalLiveCount;

    [Theory]
    [MemberData(nameof(Names))]
    public void The_receiver_disposes_and_nothing_else_lives_on(string name)
    {
        (Calls[name]() as IDisposable)?.Dispose(); // what is made once
        long before = Live;
        object received = Calls[name]();
        (received as IDisposable)?.Dispose();
        Assert.Equal(before, Live);
    }

    [Fact]
    public void What_holds_tensors_can_be_disposed_or_is_lent() => Assert.Equal(
        Lent.Order(StringComparer.Ordinal),
        typeof(ResearchConfig).Assembly.GetExportedTypes().Where(t => Holds(t) && !typeof(IDisposable).IsAssignableFrom(t))
            .Select(t => t.Name).Order(StringComparer.Ordinal));

    private static bool Holds(Type type) => type.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly).Any(p => p.PropertyType == typeof(Tensor));

    // On a thread of its own: the scope around the test that happens to come first would take what all of them use.
    private static Dictionary<string, Func<object>> OutsideOfATest()
    {
        Dictionary<string, Func<object>> table = [];
        Thread thread = new(() => table = Table());
        thread.Start();
        thread.Join();
        return table;
    }

    private static Dictionary<string, Func<object>> Table()
    {
        ImageAutoencoder autoencoder = TinyModels.Pictures();
        NextStepModel model = TinyModels.Model();
        Tensor pixels = TinyModels.Normal("pixels", 2, 3, 16, 16).clamp(Scalars.Of(-1), Scalars.Of(1)), other = TinyModels.Normal("other", 2, 3, 16, 16).clamp(Scalars.Of(-1), Scalars.Of(1));
        Tensor latents = TinyModels.Normal("latents", 2, 4, 8, 8), tokens = TinyModels.Normal("tokens", 8, 16), condition = TinyModels.Normal("condition", 8, 24);
        Tensor times = ones(8).Times(0.5), features = TinyModels.Normal("features", 40, 5), states = TinyModels.Normal("states", 2, 4, 24);
        Tensor large = TinyModels.Normal("large", 2, 3, 64, 64).clamp(Scalars.Of(-1), Scalars.Of(1));
        long[] ids = [7, 8, 2, 4, 4, 4, 4, 3, 5, 9, 2, 4, 4, 4, 4, 3, 5, 0];
        ModelBatch batch = new(tensor(ids, [2, 9]), tensor((long[])[.. ids.Select(i => i is 2 or 4 or 0 ? SequenceLayout.Ignored : i)], [2, 9]), tokens);
        GaussianMixture mixture = GaussianMixture.Ring(3, 1, 0.2);
        TokenSteps twos = new() { Tokens = 2, Within = WithinAStep.Separate, Order = TokenOrder.Subsampled };
        TokenHead separate = TinyModels.Model(steps: twos).Head;
        IImageSource source = ImageSources.Open(new DataConfig { ImageSize = 16, Images = 8 }, DataSplit.Train, 0);
        TokenGrid grid = new(16, 8);
        return new Dictionary<string, Func<object>>
        {
            ["autoencoder.Encode"] = () => autoencoder.Encode(pixels),
            ["autoencoder.EncodeRaw"] = () => autoencoder.EncodeRaw(pixels),
            ["autoencoder.Decode"] = () => autoencoder.Decode(latents),
            ["autoencoder.Sample"] = () => Then(autoencoder.Encode(pixels), p => autoencoder.Sample(p, Noise())),
            ["autoencoder.ToModel"] = () => autoencoder.ToModel(latents),
            ["autoencoder.FromModel"] = () => autoencoder.FromModel(latents),
            ["ImageAutoencoder.Perturb"] = () => ImageAutoencoder.Perturb(latents, 0.5, Noise()),
            ["ImageAutoencoder.NormalizeTokens"] = () => ImageAutoencoder.NormalizeTokens(latents, 2),
            ["PatchOrder.Patchify"] = () => PatchOrder.Patchify(latents, 2),
            ["PatchOrder.Unpatchify"] = () => Then(PatchOrder.Patchify(latents, 2), t => PatchOrder.Unpatchify(t, 2, 4, 4)),
            ["TokenNormalization.Apply"] = () => TokenNormalization.Apply(tokens),
            ["head.Loss"] = () => model.Head.Loss(tokens, condition, Noise()),
            ["head.Loss, masked"] = () => Then(ones(8), mask => model.Head.Loss(tokens, condition, Noise(), mask)),
            ["head.Sampler"] = () => Then(model.Head.Sampler(new FlowSamplerOptions { Steps = 3 }), s => s.Sample(condition, new Guidance(GuidanceBranches.Text, 2), Noise())),
            ["network.forward"] = () => model.Head.Network.forward(tokens, times, condition),
            ["FlowSolver.Score"] = () => Then(times.unsqueeze(1), t => FlowSolver.Score(tokens, tokens, t)),
            ["guidance.Combine"] = () => new Guidance(GuidanceBranches.Text, 2).Combine(tokens),
            ["model.Losses"] = () => model.Losses(batch, Noise()),
            ["model.Embed"] = () => model.Embed(batch.Ids, tokens),
            ["model.ProjectIn"] = () => model.ProjectIn(tokens),
            ["model.ProjectOut"] = () => model.ProjectOut(condition),
            ["steps.Group"] = () => Then(tokens.view(2, 4, 16), t => twos.Group(t, 2, 2)),
            ["steps.Ungroup"] = () => Then(tokens.view(2, 2, 32), t => twos.Ungroup(t, 2, 2)),
            ["separate.Loss"] = () => Then(condition.view(4, 48), c => Then(tokens.view(4, 32), t => separate.Loss(t, c, Noise()))),
            ["separate.Sampler"] = () => Then(condition.view(4, 48), c => Then(separate.Sampler(new FlowSamplerOptions { Steps = 3 }), s => s.Sample(c, new Guidance(GuidanceBranches.Text, 2), Noise()))),
            ["transformer.Forward"] = () => model.Transformer.Forward(states, null),
            ["BatchPlaces.Of"] = () => BatchPlaces.Of(batch.Ids, batch.Labels, model.Config.Special),
            ["mixture.Sample"] = () => mixture.Sample(5, Noise()),
            ["mixture.Velocity"] = () => Then(mixture.Sample(5, Noise()), x => mixture.Velocity(x, 0.5)),
            ["mixture.Deviations"] = () => Then(mixture.Sample(5, Noise()), mixture.Deviations),
            ["emoji.Load"] = () => Then(ImageSources.Open(new DataConfig { Source = DataSource.Emoji, ImageSize = 16 }, DataSplit.Train, 0), s => s.Load(0)),
            ["source.Load"] = () => source.Load(0),
            ["Resize.To"] = () => Resize.To(pixels, 9, 11),
            ["Resize.SquareResize"] = () => Then(pixels[0], p => Resize.SquareResize(p, 8)),
            ["ImageGrid.Make"] = () => ImageGrid.Make(pixels, 2, captions: ["a", "b"]),
            ["ImageFile.Decode"] = () => Then(pixels[0], p => ImageFile.Decode(ImageFile.EncodePng(p), "a")),
            ["ImageFile.ToBytes"] = () => Then(pixels[0], ImageFile.ToBytes),
            ["ImageMetrics.Psnr"] = () => ImageMetrics.Psnr(pixels, other),
            ["ImageMetrics.Ssim"] = () => ImageMetrics.Ssim(pixels, other),
            ["LatentStatistics.Of"] = () => Then(tokens.view(2, 4, 16), t => LatentStatistics.Of(t, 4)),
            ["GaussianFit.Of"] = () => GaussianFit.Of(features),
            ["FrechetDistance.Of"] = () => FrechetDistance.Of(features, features),
            ["KernelDistance.Of"] = () => KernelDistance.Of(features, features),
            ["NeighbourMetrics.Of"] = () => NeighbourMetrics.Of(features, features),
            ["RandomConvolutionNetwork.Features"] = () => Then(new RandomConvolutionNetwork(), n => n.Features(pixels)),
            ["Alignment.Measure"] = () => Alignment.Measure(pixels, ["a red circle", "a star"]),
            ["ArtifactSuite.Measure"] = () => ArtifactSuite.Measure(large, grid),
            ["Planting.Apply"] = () => Planting.Apply(large, PlantedArtifact.GlobalNoise, grid, 0.1, 0),
            ["DeadLeaves.Draw"] = () => DeadLeaves.Draw(1, 32, 0),
        };
    }

    private static object Then<T>(T held, Func<T, object> call)
        where T : IDisposable
    {
        using (held)
        {
            return call(held);
        }
    }

    private static DrawnNoise Noise() => new(1, "noise");
}
