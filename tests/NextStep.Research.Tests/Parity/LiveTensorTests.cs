using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Long loops leave no tensor behind: counted on this thread, so that other tests do not disturb.</summary>
public sealed class LiveTensorTests
{
    private static long Live => DisposeScopeManager.Statistics.ThreadTotalLiveCount;

    [Theory]
    [InlineData("ode", false)]
    [InlineData("reference", true)]
    public void Generation_leaves_nothing(string solverName, bool positions)
    {
        SamplingSolver solver = (SamplingSolver)ComponentCatalog.Make(typeof(SamplingSolver), solverName);
        TextTokenizer tokenizer = WordTokenizer.FromCaptions(["a red circle"]);
        using NextStepModel model = TinyModels.Model(tokenizer, positions: positions);
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        ImageGenerator generator = new(model, autoencoder, tokenizer);
        using Tensor input = TinyModels.Normal("a", 3, 8, 8);
        GenerationRequest request = new()
        {
            Prompts = ["<image>a red circle", "<image>red"],
            Images = [input, input],
            Height = 8,
            Width = 12,
            Sampling = new SamplingConfig { Solver = solver, Steps = 3, Guidance = 2, ImageGuidance = 1.5 },
        };
        generator.Drawn(request).Dispose(); // the position table and the like are made once
        long before = Live;
        generator.Drawn(request).Dispose();
        Assert.Equal(before, Live);
    }

    [Fact]
    public void Training_leaves_nothing()
    {
        using NextStepModel model = TinyModels.Model();
        model.train();
        using FusedOptimizer optimizer = new(model, 0.1, 0.99);
        float first = Step(model, optimizer), last = 0;
        long before = Live;
        for (int i = 0; i < 20; i++)
        {
            last = Step(model, optimizer);
        }
        Assert.Equal(before, Live);
        Assert.True(last < first, $"the loss went from {first} to {last}");
    }

    [Fact]
    public void Parity_leaves_nothing()
    {
        string file = Fixtures.File("edit_cfg3_linear_n2.safetensors");
        _ = ParityRunner.Run([file]);
        long before = Live;
        Assert.True(ParityRunner.Run([file]).Passed);
        Assert.Equal(before, Live);
    }

    private static float Step(NextStepModel model, FusedOptimizer optimizer)
    {
        using DisposeScope scope = NewDisposeScope();
        using DrawnNoise noise = new(1, "noise");
        long[] ids = [7, 8, 2, 4, 4, 4, 4, 3, 5, 9, 2, 4, 4, 4, 4, 3, 5, 0];
        long[] labels = [.. ids.Select(i => i is 2 or 4 or 0 ? SequenceLayout.Ignored : i)];
        ModelBatch batch = new(tensor(ids, [2, 9]), tensor(labels, [2, 9]), TinyModels.Normal("tokens", 8, 16));
        ModelLosses losses = model.Losses(batch, noise);
        optimizer.ZeroGradients();
        losses.Total.backward();
        optimizer.Step(2e-3, 1);
        return losses.Total.item<float>();
    }
}
