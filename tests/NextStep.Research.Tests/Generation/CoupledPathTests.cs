using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Generation;

/// <summary>What comes out of a coupling is drawn from the target, whatever the draft is: on Gaussians and on mixtures whose velocities are known.</summary>
public sealed class CoupledPathTests
{
    private const int Draws = 4000;

    // Two Gaussians 1.2 deviations apart: the coupled point is normal about the target's mean, and the draft's own as often as can be.
    [Fact]
    public void A_coupled_step_is_the_targets_and_the_same_as_often_as_any_coupling_can_make_it()
    {
        float[] target = [0.3f, -0.2f, 0.1f], draft = [0.3f, 0.1f, 0.5f]; // 0.5 apart
        const double Deviation = 0.4;
        using NoiseSource noise = new DrawnNoise(1, "coupling");
        float[] normals = [.. noise.Normal(20_000, 3).data<float>()], uniforms = [.. noise.Uniform(20_000).data<float>()], reached = new float[60_000];
        int same = 0;
        for (int i = 0; i < 20_000; i++)
        {
            float[] y = [.. draft.Select((m, j) => m + ((float)Deviation * normals[(3 * i) + j]))];
            same += ReflectionCoupling.Step(target, draft, y, Deviation, uniforms[i], reached.AsSpan(3 * i, 3)) ? 1 : 0;
        }
        using Tensor apart = (tensor(reached, [20_000, 3]) - tensor(target)).Over(Deviation);
        Assert.InRange(apart.mean([0]).abs().max().item<float>(), 0, 0.03);
        Assert.InRange(apart.t().matmul(apart).Over(20_000.0).sub(eye(3)).abs().max().item<float>(), 0, 0.04);
        using Tensor direction = tensor([0f, -0.6f, -0.8f]), along = apart.matmul(direction);
        Assert.InRange(along.pow(Scalars.Of(4)).mean().item<float>(), 2.8, 3.2); // a normal's, not that of one folded over
        Assert.InRange(same / 20_000.0, 0.532 - 0.015, 0.532 + 0.015); // 2Φ(−0.625)
    }

    [Theory]
    [InlineData("sde", 0)]
    [InlineData("cps", 0.1)]
    public void A_coupled_token_has_the_targets_distribution(string name, double lastNoise)
    {
        SamplingSolver chosen = name == "cps" ? new NoisyCpsSolver { LastNoise = lastNoise } : SamplingSolver.Sde;
        FlowSolver solver = new(new FlowSamplerOptions { Solver = chosen, Steps = 8 });
        using DisposeScope scope = NewDisposeScope();
        using GaussianMixture target = TwoSamples.Ring(), draft = new([[1.2, 0.6], [-1.4, 0.2], [0, -1.5]], 0.4, [3, 1, 1]);
        using NoiseSource noise = new DrawnNoise(2, "coupled"), others = new DrawnNoise(3, "plain");
        (Tensor coupled, double share) = Coupled(solver, target, draft, noise);
        Tensor plain = Path(solver, target, others).States[^1], drafted = Path(solver, draft, others).States[^1];
        Assert.InRange(TwoSamples.Distance(drafted, plain), 0.1, 1);
        Assert.InRange(TwoSamples.Distance(coupled, plain), -0.002, 0.002);
        Assert.InRange(share, 0.2, 0.9); // both kinds of tokens are many
    }

    [Fact]
    public void A_draft_that_is_the_target_is_always_accepted()
    {
        FlowSolver solver = new(new FlowSamplerOptions { Solver = SamplingSolver.Sde, Steps = 4 });
        using DisposeScope scope = NewDisposeScope();
        using GaussianMixture mixture = TwoSamples.Ring();
        using NoiseSource noise = new DrawnNoise(2, "coupled");
        Assert.InRange(Coupled(solver, mixture, mixture, noise).Share, 0.999, 1); // to rounding
    }

    // All tokens' paths of one velocity at once: states [n, 2] and means.
    private static (List<Tensor> States, List<Tensor> Means) Path(FlowSolver solver, GaussianMixture mixture, NoiseSource noise)
    {
        List<Tensor> states = [noise.Normal(Draws, 2)], means = [];
        for (int i = 0; i < solver.Count; i++)
        {
            means.Add(Mean(solver, mixture, states[i], i));
            states.Add(means[i] + noise.Normal(Draws, 2).Times(solver.At(i).Noise!.Value));
        }
        return (states, means);
    }

    private static Tensor Mean(FlowSolver solver, GaussianMixture mixture, Tensor x, int step) =>
        x.Times(solver.At(step).State) + mixture.Velocity(x, solver.Times[step]).Times(solver.At(step).Velocity);

    private static (Tensor Tokens, double Share) Coupled(FlowSolver solver, GaussianMixture target, GaussianMixture draft, NoiseSource noise)
    {
        (List<Tensor> states, List<Tensor> means) = Path(solver, draft, noise);
        float[][] y = [.. states.Select(s => s.data<float>().ToArray())], q = [.. means.Select(s => s.data<float>().ToArray())];
        float[][] p = [.. states.Take(solver.Count).Select((s, i) => Mean(solver, target, s, i).data<float>().ToArray())];
        float[] uniforms = [.. noise.Uniform(Draws, solver.Count).data<float>()], tokens = new float[2 * Draws];
        int same = 0;
        for (int n = 0; n < Draws; n++)
        {
            float[] Row(float[] all) => all[(2 * n)..((2 * n) + 2)];
            CoupledToken token = CoupledPath.Walk(
                new DraftPath([.. y.Select(Row)], [.. q.Select(Row)]), i => solver.At(i).Noise!.Value, i => Row(p[i]),
                (i, x) =>
                {
                    using DisposeScope scope = NewDisposeScope();
                    return [.. Mean(solver, target, tensor(x, [1, 2]), i).data<float>()];
                },
                uniforms.AsSpan(n * solver.Count, solver.Count));
            token.Token.CopyTo(tokens, 2 * n);
            same += token.Same ? 1 : 0;
        }
        return (tensor(tokens, [Draws, 2]), (double)same / Draws);
    }
}
