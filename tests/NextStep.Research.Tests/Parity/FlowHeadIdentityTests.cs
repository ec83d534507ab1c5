using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>The head, its guidance, and the order and norm of tokens.</summary>
public sealed class FlowHeadIdentityTests : IDisposable
{
    private readonly NextStepModel _model = TinyModels.Model();
    private readonly IDisposable _guard = no_grad();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _guard.Dispose();
        _model.Dispose();
    }

    [Theory]
    [InlineData("ode", GuidanceBranches.None)]
    [InlineData("sde", GuidanceBranches.Text)]
    [InlineData("cps", GuidanceBranches.TextAndImage)]
    [InlineData("reference", GuidanceBranches.TextAndImage)]
    [InlineData("released", GuidanceBranches.TextAndImage)]
    public void The_sampler_equals_the_network_evaluated_step_by_step(string kindName, GuidanceBranches branches)
    {
        SamplingSolver kind = (SamplingSolver)ComponentCatalog.Make(typeof(SamplingSolver), kindName);
        FlowSamplerOptions options = new() { Solver = kind, Steps = 7, TimestepShift = 2 };
        Guidance guidance = new(branches, 3, 1.5);
        FlowHeadNetwork network = _model.Head.Network;
        int rows = 2 * (int)branches;
        Tensor conditions = TinyModels.Normal("c", rows, 24);
        using DrawnNoise ours = new(3, "noise"), theirs = new(3, "noise");
        using FlowSampler sampler = new(network, options);
        Tensor drawn = sampler.Sample(conditions, guidance, ours);

        FlowSolver solver = new(options);
        Tensor x = theirs.Normal(2, 16);
        for (int i = 0; i < options.Steps; i++)
        {
            Tensor velocity = network.forward(x.repeat((int)branches, 1), full(rows, solver.Times[i]), conditions);
            x = solver.Step(x, guidance.Combine(velocity), i, () => theirs.Normal(2, 16));
        }
        Assert.InRange(TinyModels.Distance(x, drawn), 0, 1e-4);
    }

    [Fact]
    public void Guidance_follows_its_formulas()
    {
        Tensor v = TinyModels.Normal("v", 6, 5);
        Tensor c = v.narrow(0, 0, 2), i = v.narrow(0, 2, 2), n = v.narrow(0, 4, 2);
        Assert.InRange(TinyModels.Distance(n + ((i - n) * 2f) + ((c - i) * 7.5f), new Guidance(GuidanceBranches.TextAndImage, 7.5, 2).Combine(v)), 0, 1e-5);
        Assert.InRange(TinyModels.Distance(i + ((c - i) * 7.5f), new Guidance(GuidanceBranches.Text, 7.5).Combine(v.narrow(0, 0, 4))), 0, 1e-5);
        Assert.InRange(TinyModels.Distance(c, new Guidance(GuidanceBranches.TextAndImage).Combine(v)), 0, 1e-5); // scales of 1 guide nothing
        Assert.Throws<ArgumentException>(() => new Guidance(GuidanceBranches.Text).Combine(v.narrow(0, 0, 3)));
    }

    [Fact]
    public void Guidance_schedules_start_and_end_where_they_should()
    {
        Assert.Equal(7.5, Guidance.At(GuidanceSchedule.Constant, 7.5, 3, 10));
        Assert.Equal(7.5, Guidance.At(GuidanceSchedule.LinearDecreasing, 7.5, 0, 10));
        Assert.Equal(1.65, Guidance.At(GuidanceSchedule.LinearDecreasing, 7.5, 9, 10), 12);
        Assert.Equal(3.75, Guidance.At(GuidanceSchedule.LinearIncreasing, 7.5, 0, 10));
        Assert.Equal(6.85, Guidance.At(GuidanceSchedule.LinearIncreasing, 7.5, 9, 10), 12);
    }

    [Fact]
    public void A_fresh_head_says_zero_and_its_loss_is_two()
    {
        Initialization.Apply(_model, 5);
        Tensor x = TinyModels.Normal("x", 4096, 16), c = TinyModels.Normal("c", 4096, 24);
        using DrawnNoise noise = new(3, "noise");
        Assert.Equal(0f, _model.Head.Network.forward(x, rand(4096), c).abs().max().item<float>());
        Assert.InRange(_model.Head.Loss(x, c, noise).Mean.item<float>(), 1.95f, 2.05f);
    }

    [Fact]
    public void A_mask_of_ones_is_no_mask_and_of_zeros_no_loss()
    {
        Tensor x = TinyModels.Normal("x", 8, 16), c = TinyModels.Normal("c", 8, 24);
        float Loss(Tensor? mask)
        {
            using DrawnNoise noise = new(3, "noise");
            return _model.Head.Loss(x, c, noise, mask).Mean.item<float>();
        }
        Assert.Equal(Loss(null), Loss(ones(8)), 1e-5f);
        Assert.Equal(0f, Loss(zeros(8)));
    }

    [Fact]
    public void Times_are_embedded_cosine_first()
    {
        float[] e = TimestepEmbedder.Sinusoids(tensor([0.5f]), 256).flatten().data<float>().ToArray();
        Assert.Equal(0.877583f, e[0], 1e-6f);
        Assert.Equal(0.893693f, e[1], 1e-6f);
        Assert.Equal(0.479426f, e[128], 1e-6f);
        Assert.Equal(0.448678f, e[129], 1e-6f);
        Assert.Equal(5.4e-5f, e[255], 1e-6f);
    }

    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(3, 5, 2, 2)]
    [InlineData(4, 1, 3, 2)]
    public void Patches_go_and_come_back(int rows, int columns, int channels, int patch)
    {
        Tensor latents = TinyModels.Normal("latents", 2, channels, rows * patch, columns * patch);
        Tensor tokens = PatchOrder.Patchify(latents, patch);
        TensorAssert.Same(latents, PatchOrder.Unpatchify(tokens, patch, rows, columns));
        // Token k = row·w + column, feature c·p² + dy·p + dx.
        (int y, int x, int c) = ((rows * patch) - 1, columns * patch / 2, channels - 1);
        long token = (y / patch * columns) + (x / patch), feature = (c * patch * patch) + (y % patch * patch) + (x % patch);
        Assert.Equal(latents[1, c, y, x].item<float>(), tokens[1, token, feature].item<float>());
    }

    [Fact]
    public void Grids_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => PatchOrder.Patchify(zeros(1, 4, 3, 4), 2));
        Assert.Throws<ArgumentException>(() => PatchOrder.Unpatchify(zeros(1, 6, 16), 2, 2, 2));
    }

    [Fact]
    public void Normalised_tokens_have_no_mean_unit_variance_and_stay()
    {
        Tensor tokens = TokenNormalization.Apply(TinyModels.Normal("t", 5, 64).mul(30).add(7));
        Assert.InRange(tokens.sum(-1).abs().max().item<float>(), 0, 1e-3);
        Assert.InRange(tokens.square().sum(-1).sub(64).abs().max().item<float>(), 0, 1e-2);
        Assert.InRange(TinyModels.Distance(tokens, TokenNormalization.Apply(tokens)), 0, 1e-5);
        Tensor latents = TinyModels.Normal("latents", 2, 4, 6, 10);
        Assert.InRange(
            TinyModels.Distance(TokenNormalization.Apply(PatchOrder.Patchify(latents, 2)), PatchOrder.Patchify(ImageAutoencoder.NormalizeTokens(latents, 2), 2)), 0, 1e-6);
    }
}
