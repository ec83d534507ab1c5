using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class MeanFlowHeadTests(MeanFlowHeadTests.Trained trained) : IClassFixture<MeanFlowHeadTests.Trained>
{
    private const double Mean = 1.5, Deviation = 0.4;

    // Of N(μ, s²) the way from t to r is known: x_r = rμ + σ_r/σ_t·(x − tμ) with σ_t² = t²s² + (1 − t)².
    private static Tensor Average(Tensor x, Tensor t, Tensor r) => r.Times(Mean).Plus(Spread(r).div(Spread(t)).mul(x.sub(t.Times(Mean)))).sub(x).div(r.sub(t));

    private static Tensor Spread(Tensor t) => t.Squared().Times(Deviation * Deviation).Plus(t.neg().Plus(1).Squared()).sqrt();

    /// <summary>The paper's identity in this kit's direction of time, u = v + (r − t)·du/dt, with all three known exactly.</summary>
    [Fact]
    public void The_derivative_along_the_path_is_that_of_the_closed_form()
    {
        using GaussianMixture gaussian = new([[Mean, Mean]], Deviation);
        foreach ((double from, double to) in new[] { (0.1, 0.9), (0.3, 0.5), (0.6, 1.0) })
        {
            Tensor x = TinyModels.Normal("mean flow", 50, 2), t = full(50, 1, (float)from), r = full(50, 1, (float)to);
            Tensor velocity = gaussian.Velocity(x, from), change = MeanFlowTokenHead.Derivative(Average, x, t, r, velocity);
            Tensor expected = Average(x, t, r).sub(velocity).Over(to - from);
            Assert.True(TinyModels.Distance(expected, change) < 2e-3 * Math.Max(1, expected.abs().max().item<float>()));
        }
    }

    /// <summary>Of a network without a closed form the difference is what differentiating backwards twice gives: v·∂u/∂x + ∂u/∂t.</summary>
    [Fact]
    public void The_derivative_of_the_network_is_its_exact_Jacobian_vector_product()
    {
        FlowHeadNetwork net = trained.Value.Head.net;
        Tensor condition = TwoSamples.Condition(40), r = full(40, 1, 0.9f), velocity = TinyModels.Normal("v", 40, 2);
        Tensor x = TinyModels.Normal("x", 40, 2).requires_grad_(), t = full(40, 1, 0.2f).requires_grad_(), weights = zeros(40, 2).requires_grad_();
        Tensor Value(Tensor x, Tensor t, Tensor r) => net.forward(x, cat([t, r.sub(t)], 1), condition);
        IList<Tensor> back = autograd.grad([Value(x, t, r)], [x, t], [weights], create_graph: true);
        Tensor exact = autograd.grad([back[0].mul(velocity).sum().Plus(back[1].sum())], [weights])[0];
        Tensor difference = MeanFlowTokenHead.Derivative(Value, x.detach(), t.detach(), r, velocity);
        double size = exact.abs().max().item<float>();
        Assert.True(size > 0.5);
        Assert.InRange(TinyModels.Distance(exact, difference) / size, 0, 0.03); // a trained network bends sharply between the modes: 0.011 at the worst of 40 points
    }

    /// <summary>Against the exact velocity of the mixture, integrated in 100 steps: near it for most points; between two modes a point may go to either.</summary>
    [Theory]
    [InlineData(0.0, 1.0)]
    [InlineData(0.25, 0.75)]
    [InlineData(0.5, 0.5)]
    public void It_learns_the_average_velocity(double from, double to)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using NoiseSource noise = new DrawnNoise(7, "mean flow");
        Tensor start = trained.Ring.Sample(500, noise).Times(from).Plus(noise.Normal(500, 2).Times(1 - from)), x = start, sum = zeros(500, 2);
        for (int i = 0; i < 100; i++)
        {
            Tensor velocity = trained.Ring.Velocity(x, from + ((to - from) * (i + 0.5) / 100));
            (x, sum) = (x.Plus(velocity.Times((to - from) / 100)), sum.Plus(velocity.Over(100)));
        }
        Tensor times = tensor([(float)from, (float)(to - from)], [1, 2]).expand(500, 2);
        Tensor said = trained.Value.Head.net.forward(start, times, TwoSamples.Condition(500));
        Assert.InRange(said.sub(sum).Squared().sum([1]).sqrt().median().item<float>(), 0, 0.3);
    }

    [Theory]
    [InlineData(1, 0.012)]
    [InlineData(4, 0.008)]
    public void It_learns_the_mixture(int steps, double bound) => Assert.InRange(trained.Value.Distance(trained.Ring, steps), -0.002, bound);

    [Fact]
    public void Other_solvers_are_refused() =>
        Assert.Contains("solver stays ode, not sde", Assert.Throws<ArgumentException>(() => trained.Value.Head.Sampler(new FlowSamplerOptions { Solver = SamplingSolver.Sde })).Message);

    public sealed class Trained : IDisposable
    {
        internal GaussianMixture Ring { get; } = TwoSamples.Ring();

        internal TrainedHead<MeanFlowTokenHead> Value { get; }

        public Trained() => Value = new(Ring, new MeanFlowHead(), 300);

        public void Dispose()
        {
            Value.Dispose();
            Ring.Dispose();
        }
    }
}
