using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.PostTraining;

/// <summary>The truth is known: a head that draws two modes equally often, of which one is rewarded, must come to draw that one, and stay in it.</summary>
public sealed class TwoModesTests : IDisposable
{
    private const int Batch = 64;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();
    private static readonly Lazy<Dictionary<string, float[]>> Weights = new(Trained); // once for all tests, as plain numbers
    private readonly FlowMatchingHead _head = Copy();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void The_head_begins_with_both() => Assert.InRange(Share(_head, 5).Right, 0.4, 0.6);

    [Fact]
    public void Accepted_draws_make_their_mode_likely()
    {
        Tensor drawn = Draw(_head, 256, 1);
        using DrawnGroups groups = new(drawn.unsqueeze(1), [.. Enumerable.Repeat("", 256)], 4, Rewards(drawn));
        Learn(_head, 80, step =>
        {
            using NoiseSource noise = new DrawnNoise(3, "post", step);
            return _head.Loss(Of(drawn, groups.Accept(Batch, new SplitMix64((ulong)step))), Condition(Batch), noise).Mean;
        });
        Assert.True(Share(_head, 5).Right > 0.85, $"{Share(_head, 5)}");
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(0, false)] // what the anchor is for
    public void Preferred_draws_make_their_mode_likely_and_stay_where_they_were_if_anchored(double anchor, bool stays)
    {
        Tensor drawn = Draw(_head, 256, 1);
        using DrawnGroups groups = new(drawn.unsqueeze(1), [.. Enumerable.Repeat("", 256)], 4, Rewards(drawn));
        FlowMatchingHead reference = Copy();
        Learn(_head, 60, step =>
        {
            using NoiseSource noise = new DrawnNoise(3, "post", step);
            (int[] winners, int[] losers) = groups.Pairs(Batch / 2, new SplitMix64((ulong)step));
            Tensor target = Of(drawn, [.. winners, .. losers]);
            (Tensor epsilon, Tensor times) = FlowMatchingHead.Draw(target.narrow(0, 0, Batch / 2), noise);
            (epsilon, times) = (epsilon.repeat(2, 1), times.repeat(2));
            Tensor losses = Losses(_head), before = Losses(reference).detach();
            Tensor won = losses.narrow(0, 0, Batch / 2);
            return PreferenceLoss.Of(won, losses.narrow(0, Batch / 2, Batch / 2), before.narrow(0, 0, Batch / 2), before.narrow(0, Batch / 2, Batch / 2), 5).Loss.Plus(PreferenceLoss.Anchor(won, won.narrow(0, 0, 0), 5).Times(anchor));

            Tensor Losses(FlowMatchingHead head) => PreferenceLoss.PerPicture(head, target, Condition(Batch), epsilon, times, Batch, 1);
        }, 1e-3);
        (double right, double near) = Share(_head, 5);
        Assert.True(right > 0.85 && near > 0.7 == stays, $"{right}, {near}");
    }

    [Theory]
    [InlineData(0.5, 0.6, 0.45)]
    [InlineData(0, 0.95, 0)] // what the divergence from the start is for: of this head's draws less than 0.4 stay in the mode
    public void Policy_gradients_of_stochastic_steps_make_the_rewarded_mode_likely_and_leave_it_unless_held(double weight, double likely, double stay)
    {
        FlowMatchingHead reference = Copy();
        FlowSolver solver = new(new FlowSamplerOptions { Solver = SamplingSolver.Cps, Steps = 10 });
        Learn(_head, 60, step =>
        {
            TransitionRecorder recorder = new(solver, LearnedStep.Token, 1, 3, step);
            Tensor drawn = Draw(_head, 256, step, SamplingSolver.Cps, recorder);
            using Transitions kept = recorder.Take();
            GroupAdvantages advantages = GroupAdvantages.Of(Rewards(drawn), 16, new PostTrainerConfig());
            int[] places = advantages.Choose(256, new SplitMix64((ulong)step));
            Transitions chosen = kept.Of(places, CPU);
            Tensor times = tensor([.. solver.Times]).index_select(0, chosen.Steps);
            (Tensor mean, Tensor deviation) = Steps(_head);
            Tensor loss = StepDensity.PolicyLoss(StepDensity.LogProbability(chosen.After, mean, deviation), [.. places.Select(p => advantages.Each[p])]);
            return loss.Plus(StepDensity.Divergence(mean, Steps(reference).Mean.detach(), deviation).mean().Times(weight));

            (Tensor Mean, Tensor Deviation) Steps(FlowMatchingHead head) =>
                solver.Gaussian(chosen.Before, head.Network.forward(chosen.Before, times, Condition(places.Length)), chosen.Steps);
        }, 1e-3);
        (double right, double near) = Share(_head, 5);
        Assert.True(right > likely && near > stay && (weight > 0 || near < 0.4), $"{right}, {near}");
    }

    private static PictureJudgement[] Rewards(Tensor drawn) => [.. drawn.select(1, 0).gt(0).data<bool>().Select(r => new PictureJudgement(r ? 1 : 0))];

    private static Tensor Of(Tensor drawn, int[] places) => drawn.index_select(0, tensor([.. places.Select(p => (long)p)]));

    private static Tensor Condition(int count) => ones(count, 2);

    private static FlowMatchingHead Empty() => new(new FlowHeadConfig { TokenWidth = 2, ConditionWidth = 2, Width = 32, Layers = 2 });

    private static FlowMatchingHead Copy()
    {
        Dictionary<string, float[]> weights = Weights.Value;
        FlowMatchingHead head = Empty();
        using IDisposable guard = no_grad();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in head.named_parameters())
        {
            parameter.copy_(tensor(weights[name]).view(parameter.shape));
        }
        return head;
    }

    private static Dictionary<string, float[]> Trained()
    {
        using DisposeScope scope = NewDisposeScope();
        using FlowMatchingHead head = Empty();
        TinyModels.Randomize(head, 4);
        using GaussianMixture modes = new([[2, 0], [-2, 0]], 0.3);
        Learn(head, 250, step =>
        {
            using NoiseSource noise = new DrawnNoise(1, "modes", step);
            return head.Loss(modes.Sample(Batch, noise), Condition(Batch), noise).Mean;
        });
        return head.named_parameters().ToDictionary(p => p.name, p => p.parameter.data<float>().ToArray());
    }

    private static void Learn(FlowMatchingHead head, int steps, Func<int, Tensor> loss, double rate = 3e-3)
    {
        using FusedOptimizer optimizer = new(head, weightDecay: 0, emaDecay: 0);
        for (int step = 0; step < steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            optimizer.ZeroGradients();
            loss(step).backward();
            optimizer.Step(rate, 1);
        }
        optimizer.ZeroGradients();
    }

    private static Tensor Draw(FlowMatchingHead head, int count, long seed, SamplingSolver? solver = null, TransitionRecorder? recorder = null)
    {
        using FlowSampler sampler = new(head.Network, new FlowSamplerOptions { Steps = 10, Solver = solver ?? SamplingSolver.Ode });
        using NoiseSource drawn = new DrawnNoise(seed, "draw");
        int steps = 0;
        return sampler.Sample(Condition(count), Guidance.Off, new FirstDraw(drawn, Tell), Tell);

        void Tell(Tensor x) => recorder?.Add(new SampledState(0, steps++, x));
    }

    // Of 256 draws: the share in the right half, and of those, the share within 1 of the mode's centre.
    private static (double Right, double Near) Share(FlowMatchingHead head, long seed)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor drawn = Draw(head, 256, seed), right = drawn.select(1, 0).gt(0), near = drawn.sub(tensor([2f, 0f])).square().sum(1).lt(1);
        double count = right.sum().item<long>();
        return (count / 256, near.sum().item<long>() / Math.Max(1, count));
    }
}
