using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class ShortcutHeadTests(ShortcutHeadTests.Trained trained) : IClassFixture<ShortcutHeadTests.Trained>
{
    [Theory]
    [InlineData(1, 0.012)]
    [InlineData(8, 0.006)]
    [InlineData(64, 0.006)]
    public void It_learns_the_mixture_in_few_steps_and_in_many(int steps, double bound) =>
        Assert.InRange(trained.Value.Distance(trained.Ring, steps), -0.002, bound);

    [Fact]
    public void Its_smallest_steps_go_by_the_exact_velocity()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach (double t in new[] { 0.125, 0.5, 0.75 })
        {
            Tensor x = At(t);
            Assert.InRange(TwoSamples.RootMeanSquare(Step(x, t, 7).sub(trained.Ring.Velocity(x, t))), 0, 0.45);
        }
    }

    /// <summary>Where the velocity alone would go in one step is nowhere near.</summary>
    [Fact]
    public void A_step_is_two_of_half_its_length()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = At(0), whole = Step(x, 0, 0), first = Step(x, 0, 1), second = Step(x.Plus(first.Over(2)), 0.5, 1);
        double apart = TwoSamples.RootMeanSquare(whole.sub(first.Plus(second).Over(2)));
        Assert.InRange(apart, 0, 0.4);
        Assert.InRange(TwoSamples.RootMeanSquare(trained.Ring.Velocity(x, 0).sub(whole)), 1, 3);
    }

    [Theory]
    [InlineData(20, "a power of two up to 128, not 20")]
    [InlineData(256, "a power of two up to 128, not 256")]
    [InlineData(8, null)]
    public void Other_numbers_of_steps_are_refused(int steps, string? problem)
    {
        FlowSamplerOptions options = new() { Steps = steps };
        Assert.Contains(problem ?? "", new ShortcutHead().Problem(options) ?? "");
        Assert.Equal(problem is null, new ShortcutHead().Problem(options) is null);
        if (problem is not null)
        {
            Assert.Contains(problem, Assert.Throws<ArgumentException>(() => trained.Value.Head.Sampler(options)).Message);
        }
        Assert.Contains("solver stays ode, not heun", new ShortcutHead().Problem(new FlowSamplerOptions { Steps = 8, Solver = SamplingSolver.Heun }));
    }

    private Tensor At(double t)
    {
        using NoiseSource noise = new DrawnNoise(6, "shortcut");
        return trained.Ring.Sample(500, noise).Times(t).Plus(noise.Normal(500, 2).Times(1 - t));
    }

    private Tensor Step(Tensor x, double t, int level) => trained.Value.Head.net.forward(
        x, tensor([(float)t, level], [1, 2]).expand(x.size(0), 2), TwoSamples.Condition(x.size(0)));

    public sealed class Trained : IDisposable
    {
        internal GaussianMixture Ring { get; } = TwoSamples.Ring();

        internal TrainedHead<ShortcutTokenHead> Value { get; }

        public Trained() => Value = new(Ring, new ShortcutHead(), 350);

        public void Dispose()
        {
            Value.Dispose();
            Ring.Dispose();
        }
    }
}
