using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>What the decode loop saves must not show in what it draws.</summary>
public sealed class TokenSamplerTests : IDisposable
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

    [Fact]
    public void Rows_with_one_prompt_are_drawn_as_if_each_had_its_own()
    {
        long[] first = [0, 7, 8, 2], second = [9, 10, 11, 2];
        bool[] firstMask = [false, true, true, true], all = [true, true, true, true];
        Tensor together = Draw([first, second, first], [firstMask, all, firstMask], 0);
        Tensor one = Draw([first], [firstMask], 0), two = Draw([second], [all], 1), three = Draw([first], [firstMask], 2);
        Assert.InRange(TinyModels.Distance(together, cat([one, two, three])), 0, 2e-5);
        Assert.True(TinyModels.Distance(one, three) > 0.1); // another noise
    }

    [Fact]
    public void A_long_prompt_is_prefilled_in_pieces()
    {
        Tensor ids = arange(1100, dtype: ScalarType.Int64).remainder(30).add(6).view(1, -1);
        Tensor hidden = _model.Transformer.Forward(_model.Embed(ids, null));
        Tensor? conditions = null;
        using DrawnNoise noise = new(1, "noise");
        TokenSampler.Draw(
            _model, new PromptRows(ids, null, null, GuidanceBranches.None), 1, new SamplingConfig { Steps = 2 }, null, noise,
            onToken: t => conditions = t.Conditions.clone().DetachFromDisposeScope(), cancellation: TestContext.Current.CancellationToken);
        using (conditions)
        {
            Assert.InRange(TinyModels.Distance(_model.ProjectOut(hidden.select(1, 1099)), conditions!), 0, 1e-4);
        }
    }

    [Theory]
    [InlineData(20, null, 5, new[] { 20, 20, 20, 20, 20 })]
    [InlineData(50, 5, 4, new[] { 50, 35, 20, 5 })]
    [InlineData(3, 4, 3, new[] { 3, 4, 4 })]
    [InlineData(7, 2, 1, new[] { 7 })]
    public void Steps_go_in_a_straight_line_from_the_first_token_to_the_last(int steps, int? final, int count, int[] expected) =>
        Assert.Equal(expected, Enumerable.Range(0, count).Select(i => TokenHeadSamplers.Steps(new SamplingConfig { Steps = steps, FinalSteps = final }, i, count)));

    [Fact]
    public void A_schedule_changes_only_the_tokens_with_other_steps()
    {
        SamplingConfig even = new() { Steps = 6, Guidance = 1 };
        Tensor plain = Draw([[7, 8, 2]], [[true, true, true]], 0, even), falling = Draw([[7, 8, 2]], [[true, true, true]], 0, even with { FinalSteps = 2 });
        TensorAssert.Same(plain.narrow(1, 0, 1), falling.narrow(1, 0, 1));
        Assert.True(TinyModels.Distance(plain.narrow(1, 1, 1), falling.narrow(1, 1, 1)) > 1e-4);
    }

    [Fact]
    public void A_head_in_bfloat16_draws_nearly_the_same_in_a_float32_model()
    {
        SamplingConfig full = new() { Steps = 6, Guidance = 1 };
        Tensor plain = Draw([[7, 8, 2]], [[true, true, true]], 0, full), half = Draw([[7, 8, 2]], [[true, true, true]], 0, full with { HeadPrecision = Precision.BFloat16 });
        Assert.InRange(TinyModels.Distance(plain, half), 1e-5, 0.2);
        TensorAssert.Same(plain, Draw([[7, 8, 2]], [[true, true, true]], 0, full with { HeadPrecision = Precision.Float32 }));
    }

    private Tensor Draw(long[][] ids, bool[][] mask, long firstImage, SamplingConfig? sampling = null)
    {
        using PerImageNoise noise = new(3, "noise", firstImage);
        long[] shape = [ids.Length, ids[0].Length];
        PromptRows prompt = new(tensor(ids.SelectMany(i => i).ToArray(), shape), tensor(mask.SelectMany(m => m).ToArray(), shape), null, GuidanceBranches.None);
        return TokenSampler.Draw(_model, prompt, 4, sampling ?? new SamplingConfig { Steps = 3, Guidance = 1 }, TokenNormalization.Apply, noise, cancellation: TestContext.Current.CancellationToken);
    }
}
