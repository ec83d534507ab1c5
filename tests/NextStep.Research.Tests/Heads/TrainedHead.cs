using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>A small head trained for a second or two on points of a known distribution; the condition is the same for all.</summary>
internal sealed class TrainedHead<THead> : IDisposable
    where THead : TokenHead
{
    public const int ConditionWidth = 4;
    private const int Rows = 512;

    public TrainedHead(TokenHeadConfig config, Func<NoiseSource, int, Tensor> points, int steps, int width = 48, int tokenWidth = 2)
        : this(config, (noise, rows) => (points(noise, rows), Condition(rows)), steps, width, tokenWidth)
    {
    }

    public TrainedHead(TokenHeadConfig config, Func<NoiseSource, int, (Tensor Points, Tensor Conditions)> batch, int steps, int width = 48, int tokenWidth = 2)
    {
        Head = (THead)config.Build(new TokenHeadContext(new FlowHeadConfig { TokenWidth = tokenWidth, ConditionWidth = ConditionWidth, Width = width, Layers = 2 }));
        Initialization.Apply(Head, 0);
        using FusedOptimizer optimizer = new(Head, weightDecay: 0, emaDecay: 0.98);
        for (int step = 0; step < steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            using NoiseSource noise = new DrawnNoise(1, "head.test", step);
            (Tensor points, Tensor conditions) = batch(noise, Rows);
            optimizer.ZeroGradients();
            Head.Loss(points, conditions, noise).Mean.backward();
            optimizer.Step(4e-3 * Math.Min(1, 1.1 - ((double)step / steps)), clip: 1);
        }
        optimizer.ApplyAverage();
        Head.eval();
    }

    public THead Head { get; }

    public static Tensor Condition(long rows) => ones(rows, ConditionWidth);

    public Tensor Draw(int count, int samplingSteps, string stream = "head.draw")
    {
        using NoiseSource noise = new DrawnNoise(2, stream);
        using TokenHeadSampler sampler = Head.Sampler(new FlowSamplerOptions { Steps = samplingSteps });
        return sampler.Sample(Condition(count), Guidance.Off, noise);
    }

    public void Dispose() => Head.Dispose();
}

internal static class TwoSamples
{
    /// <summary>Energy distance of two samples, 2E|x − y| − E|x − x'| − E|y − y'|, 0 for one distribution; unbiased.</summary>
    public static double Distance(Tensor x, Tensor y)
    {
        using DisposeScope scope = NewDisposeScope();
        double Within(Tensor a) => cdist(a, a).sum().item<float>() / ((double)a.size(0) * (a.size(0) - 1));
        return (2 * cdist(x, y).mean().item<float>()) - Within(x) - Within(y);
    }
}
