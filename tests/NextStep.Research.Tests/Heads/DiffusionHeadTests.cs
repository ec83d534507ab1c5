using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class DiffusionHeadTests(DiffusionHeadTests.Trained trained) : IClassFixture<DiffusionHeadTests.Trained>
{
    [Fact]
    public void The_schedule_is_a_cosine_and_a_shorter_one_keeps_its_places()
    {
        DiffusionSchedule whole = DiffusionSchedule.Cosine(1000), short_ = whole.Respaced(100);
        double Curve(double u) => Math.Pow(Math.Cos((u + 0.008) / 1.008 * Math.PI / 2), 2);
        Assert.Equal(Curve(0.5) / Curve(0), whole.Kept[499], 9);
        Assert.Equal(Curve(0.1) / Curve(0), whole.Kept[99], 9);
        Assert.Equal(0.999, whole.Beta[999], 9);
        Assert.Equal((0, 10, 999), (short_.Steps[0], short_.Steps[1], short_.Steps[99]));
        Assert.All(Enumerable.Range(0, 100), i => Assert.Equal(whole.Kept[short_.Steps[i]], short_.Kept[i]));
        Assert.Equal(1 - (short_.Kept[50] / short_.Kept[49]), short_.Beta[50], 12);
        Assert.Equal(0, whole.Posterior[0]);
        Assert.Equal([999], whole.Respaced(1).Steps);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(5.0)]
    public void With_the_exact_noise_its_steps_end_in_the_mixture(double bound)
    {
        using GaussianMixture ring = TwoSamples.Ring();
        using NoiseSource noise = new DrawnNoise(3, "diffusion");
        DiffusionSchedule schedule = DiffusionSchedule.Cosine(1000).Respaced(100);
        Tensor x = noise.Normal(2000, 2);
        for (int i = 99; i >= 0; i--)
        {
            x = DiffusionSampler.Back(schedule, bound, x, Exact(ring, x, schedule.Kept[i]), zeros(2000, 2), i, noise);
        }
        Assert.InRange(TwoSamples.Distance(x, ring.Sample(2000, noise)), -0.003, 0.003);
    }

    /// <summary>
    /// A new head says 0 for noise and variance. Its loss is then known without its formulas: the noise's square, and the divergence of two Gaussians whose means
    /// and variances come from Bayes' rule on the chain of β.
    /// </summary>
    [Fact]
    public void The_loss_of_a_new_head_is_the_hybrid_by_hand()
    {
        using TokenHead head = new DiffusionHead { TrainingSteps = 4 }.Build(new TokenHeadContext(new FlowHeadConfig { TokenWidth = 2, ConditionWidth = 4, Width = 8, Layers = 1 }));
        Initialization.Apply(head, 0);
        using NoiseSource noise = new DrawnNoise(4, "diffusion"), again = new DrawnNoise(4, "diffusion");
        Tensor target = TinyModels.Normal("tokens", 60, 2);
        float[] losses = [.. head.Loss(target, ones(60, 4), noise).PerToken.data<float>()];
        float[] tokens = [.. target.flatten().data<float>()], epsilon = [.. again.Normal(60, 2).flatten().data<float>()], u = [.. again.Uniform(60).data<float>()];
        DiffusionSchedule schedule = DiffusionSchedule.Cosine(4);
        HashSet<int> seen = [];
        for (int row = 0; row < 60; row++)
        {
            int i = (int)(u[row] * 4);
            seen.Add(i);
            double kept = schedule.Kept[i], before = i == 0 ? 1 : schedule.Kept[i - 1], beta = 1 - (kept / before), expected = 0;
            double low = i == 0 ? Posterior(1) : Posterior(i), variance = Math.Sqrt(low * beta);
            for (int k = 0; k < 2; k++)
            {
                double e = epsilon[(2 * row) + k], token = tokens[(2 * row) + k], state = (Math.Sqrt(kept) * token) + (Math.Sqrt(1 - kept) * e);
                double Mean(double x) => i == 0 ? x : ((Math.Sqrt(before) * beta * x) + (Math.Sqrt(1 - beta) * (1 - before) * state)) / (1 - kept);
                double apart = Math.Pow(Mean(token) - Mean(state / Math.Sqrt(kept)), 2) / variance;
                double nats = i == 0 ? 0.5 * (Math.Log(2 * Math.PI * variance) + apart) : 0.5 * (Math.Log(variance / low) - 1 + (low / variance) + apart);
                expected += ((e * e) + (nats / Math.Log(2))) / 2;
            }
            Assert.InRange(losses[row], expected - (1e-3 * (1 + Math.Abs(expected))), expected + (1e-3 * (1 + Math.Abs(expected))));
        }
        Assert.Equal(4, seen.Count);

        double Posterior(int i) => (1 - (schedule.Kept[i] / schedule.Kept[i - 1])) * (1 - schedule.Kept[i - 1]) / (1 - schedule.Kept[i]);
    }

    [Fact]
    public void It_learns_the_mixture() => Assert.InRange(trained.Value.Distance(trained.Ring, 100), -0.002, 0.006);

    [Fact]
    public void Its_noise_is_the_exact_one()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using NoiseSource noise = new DrawnNoise(6, "diffusion");
        DiffusionSchedule schedule = DiffusionSchedule.Cosine(1000);
        foreach (int step in new[] { 200, 500, 800 })
        {
            double kept = schedule.Kept[step];
            Tensor x = trained.Ring.Sample(500, noise).Times(Math.Sqrt(kept)).Plus(noise.Normal(500, 2).Times(Math.Sqrt(1 - kept)));
            Tensor said = trained.Value.Head.net.forward(x, full(500, (float)step), TwoSamples.Condition(500)).narrow(1, 0, 2);
            Assert.InRange(TwoSamples.RootMeanSquare(said.sub(Exact(trained.Ring, x, kept))), 0, 0.35);
        }
    }

    // E[ε | x_i]: of the path x' = t·x + (1 − t)·ε, which x_i is when it is divided by √ᾱ + √(1 − ᾱ), ε = x' − t·v.
    private static Tensor Exact(GaussianMixture mixture, Tensor x, double kept)
    {
        double a = Math.Sqrt(kept), b = Math.Sqrt(1 - kept), t = a / (a + b);
        Tensor at = x.Over(a + b);
        return at.sub(mixture.Velocity(at, t).Times(t));
    }

    public sealed class Trained : IDisposable
    {
        internal GaussianMixture Ring { get; } = TwoSamples.Ring();

        internal TrainedHead<DiffusionTokenHead> Value { get; }

        public Trained() => Value = new(Ring, new DiffusionHead(), 300);

        public void Dispose()
        {
            Value.Dispose();
            Ring.Dispose();
        }
    }
}
