using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.PostTraining;

/// <summary>The density of a stochastic step against torch's own, against what the sampler draws, and as a policy whose gradient is known.</summary>
public sealed class StepDensityTests : IDisposable
{
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void The_log_probability_is_that_of_independent_normals_and_the_divergence_is_its_mean_difference()
    {
        Tensor mean = TinyModels.Normal("mean", 5, 3), other = TinyModels.Normal("other", 5, 3), deviation = TinyModels.Normal("deviation", 5, 1).exp();
        Tensor noise = TinyModels.Normal("noise", 4000, 5, 3), next = mean + (deviation * noise[0]);
        Near(distributions.Normal(mean, deviation.expand(5, 3)).log_prob(next).sum(-1), StepDensity.LogProbability(next, mean, deviation), 1e-5);
        Tensor many = mean + (deviation * noise), difference = StepDensity.LogProbability(many, mean, deviation) - StepDensity.LogProbability(many, other, deviation);
        Tensor divergence = StepDensity.Divergence(mean, other, deviation);
        Assert.All(Enumerable.Range(0, 5), i => Assert.InRange(
            (difference.select(1, i).mean() - divergence[i]).abs().item<float>(), 0, 5 * difference.select(1, i).std().item<float>() / Math.Sqrt(4000)));
    }

    [Theory]
    [InlineData("cps")]
    [InlineData("sde")]
    public void The_mean_of_a_step_is_the_state_after_it_less_its_noise(string name)
    {
        FlowSolver solver = Solver(name);
        int[] stochastic = PolicySampling.Stochastic(solver);
        Assert.Equal(name == "cps" ? 5 : 6, stochastic.Length); // the last of cps is noise-free
        Tensor x = TinyModels.Normal("x", 4, 3), velocity = TinyModels.Normal("velocity", 4, 3), noise = TinyModels.Normal("noise", 4, 3);
        (Tensor mean, Tensor deviation) = solver.Gaussian(x, velocity, tensor([(long)stochastic[0], stochastic[1], stochastic[2], stochastic[^1]]));
        for (int row = 0; row < 4; row++)
        {
            Tensor after = solver.Step(x, velocity, stochastic[row == 3 ? ^1 : row], () => noise)[row];
            Near(noise[row], StepDensity.Standardized(after, mean[row], deviation[row]), 1e-4);
        }
    }

    [Fact]
    public void The_ratio_to_another_policy_is_1_in_the_mean_over_what_this_one_draws()
    {
        FlowSolver solver = Solver("cps");
        const int count = 20_000;
        Tensor x = TinyModels.Normal("x", count, 2), velocity = TinyModels.Normal("velocity", count, 2), steps = full(count, 2, ScalarType.Int64);
        Tensor after = solver.Step(x, velocity, 2, () => TinyModels.Normal("noise", count, 2));
        (Tensor mean, Tensor deviation) = solver.Gaussian(x, velocity, steps);
        Tensor other = solver.Gaussian(x, velocity + 0.2, steps).Mean;
        Tensor ratio = (StepDensity.LogProbability(after, other, deviation) - StepDensity.LogProbability(after, mean, deviation)).exp();
        double error = ratio.std().item<float>() / Math.Sqrt(count);
        Assert.InRange(error, 1e-4, 0.01);
        Assert.InRange(ratio.mean().item<float>(), 1 - (4 * error), 1 + (4 * error));
    }

    [Fact]
    public void The_policy_gradient_of_a_linear_reward_is_its_slope()
    {
        // r = a·x' of x' ~ N(m, σ²): ∇ E[r] = a, whatever is subtracted from r.
        const int count = 40_000;
        Tensor slope = tensor([0.7f, -1.3f]), deviation = full(count, 1, 0.5f), m = zeros(2, requires_grad: true);
        Tensor next = (full(count, 2, 0.25f) + (deviation * TinyModels.Normal("noise", count, 2))).detach();
        Tensor reward = next.mul(slope).sum(-1);
        (m + 0.25).sum().backward();
        m.grad!.zero_();
        float[] advantage = [.. (reward - reward.mean()).data<float>()];
        StepDensity.PolicyLoss(StepDensity.LogProbability(next, (m + 0.25).expand(count, 2), deviation), advantage).backward();
        Near(slope, m.grad!.neg(), 0.05); // about 4 standard errors
    }

    [Fact]
    public void Every_token_of_a_picture_has_its_advantage()
    {
        Tensor loss = StepDensity.PolicyLoss(tensor([1f, 2, 3, 4, 5, 6]), [2, -1, 0]);
        Assert.Equal(-((2 * 3) - 7) / 6f, loss.item<float>(), 6);
    }

    private static FlowSolver Solver(string name) => new(new FlowSamplerOptions { Solver = name == "cps" ? SamplingSolver.Cps : SamplingSolver.Sde, Steps = 6 });

    private static void Near(Tensor expected, Tensor actual, double tolerance) => Assert.InRange((expected - actual).abs().max().item<float>(), 0, tolerance);
}
