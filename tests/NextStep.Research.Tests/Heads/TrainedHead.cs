using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>A small head trained for about a second on points of the plane; the condition is the same for all unless the batch says so.</summary>
public sealed class TrainedHead<THead> : IDisposable
    where THead : TokenHead
{
    private const int Rows = 256;

    public TrainedHead(GaussianMixture mixture, TokenHeadConfig config, int steps)
        : this(config, noise => (mixture.Sample(Rows, noise), TwoSamples.Condition(Rows)), steps)
    {
    }

    public TrainedHead(TokenHeadConfig config, Func<NoiseSource, (Tensor Points, Tensor Conditions)> batch, int steps)
    {
        Head = (THead)config.Build(new TokenHeadContext(new FlowHeadConfig { TokenWidth = 2, ConditionWidth = 4, Width = 32, Layers = 2 }));
        Initialization.Apply(Head, 0);
        using FusedOptimizer optimizer = new(Head, weightDecay: 0, emaDecay: 0.98);
        for (int step = 0; step < steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            using NoiseSource noise = new DrawnNoise(1, "head.test", step);
            (Tensor points, Tensor conditions) = batch(noise);
            optimizer.ZeroGradients();
            Head.Loss(points, conditions, noise).Mean.backward();
            optimizer.Step(4e-3 * Math.Min(1, 1.1 - ((double)step / steps)), clip: 1);
        }
        optimizer.ApplyAverage();
        Head.eval();
    }

    public THead Head { get; }

    public Tensor Draw(int count, int steps = 1)
    {
        using NoiseSource noise = new DrawnNoise(2, "head.draw");
        using TokenHeadSampler sampler = Head.Sampler(new FlowSamplerOptions { Steps = steps });
        return sampler.Sample(TwoSamples.Condition(count), Guidance.Off, noise);
    }

    /// <summary>
    /// Energy distance between drawn points and as many of the truth, 2E|x − y| − E|x − x'| − E|y − y'|, without bias: of two samples of the truth
    /// 0 ± 0.001, of the truth and one Gaussian with its mean and variance 0.06 for the ring of <see cref="Ring"/>.
    /// </summary>
    public double Distance(GaussianMixture truth, int steps = 1)
    {
        using DisposeScope scope = NewDisposeScope();
        using NoiseSource noise = new DrawnNoise(5, "head.truth");
        return TwoSamples.Distance(Draw(2000, steps), truth.Sample(2000, noise));
    }

    public void Dispose() => Head.Dispose();
}

internal static class TwoSamples
{
    public static Tensor Condition(long rows) => ones(rows, 4);

    public static GaussianMixture Ring() => GaussianMixture.Ring(4, 1.5, 0.3);

    public static double Distance(Tensor x, Tensor y)
    {
        using DisposeScope scope = NewDisposeScope();
        double Within(Tensor a) => cdist(a, a).sum().item<float>() / ((double)a.size(0) * (a.size(0) - 1));
        return (2 * cdist(x, y).mean().item<float>()) - Within(x) - Within(y);
    }

    public static double RootMeanSquare(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return x.detach().Squared().sum([1]).mean().sqrt().item<float>();
    }
}
