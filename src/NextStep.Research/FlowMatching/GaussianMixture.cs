using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// A mixture of k isotropic Gaussians in d dimensions, whose flow is known exactly: what a flow-matching head would learn with no error (spec §A gives
/// the formula for one Gaussian). For teaching, and for tests of samplers. The holder disposes.
/// </summary>
public sealed class GaussianMixture : IDisposable
{
    private readonly Tensor _means;
    private readonly Tensor _logWeights;
    private readonly double _deviation;

    /// <summary>Builds a mixture.</summary>
    /// <param name="means">Centres, [k][d].</param>
    /// <param name="deviation">Standard deviation of every component, above 0.</param>
    /// <param name="weights">Shares of the components, above 0; null = equal.</param>
    public GaussianMixture(IReadOnlyList<double[]> means, double deviation, IReadOnlyList<double>? weights = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(deviation);
        if (means.Count == 0 || means.Any(m => m.Length != means[0].Length) || (weights is not null && (weights.Count != means.Count || weights.Any(w => w <= 0))))
        {
            throw new ArgumentException("A mixture needs centres of one length, and a positive weight for each.", nameof(means));
        }
        using DisposeScope scope = NewDisposeScope();
        _deviation = deviation;
        (Components, Width) = (means.Count, means[0].Length);
        _means = tensor([.. means.SelectMany(m => m).Select(v => (float)v)], [Components, Width]).DetachFromDisposeScope();
        Tensor shares = tensor([.. (weights ?? [.. means.Select(_ => 1.0)]).Select(w => (float)w)]);
        _logWeights = (shares / shares.sum()).log().DetachFromDisposeScope();
    }

    /// <summary>Number of components k.</summary>
    public int Components { get; }

    /// <summary>Dimensions d.</summary>
    public int Width { get; }

    /// <summary>Equal components on a circle in the plane.</summary>
    public static GaussianMixture Ring(int components, double radius, double deviation) => new(
        [.. Enumerable.Range(0, components).Select(i => (double[])[radius * Math.Cos(2 * Math.PI * i / components), radius * Math.Sin(2 * Math.PI * i / components)])], deviation);

    /// <summary>Draws <paramref name="count"/> points, [count, d].</summary>
    public Tensor Sample(int count, NoiseSource noise)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor edges = _logWeights.exp().cumsum(0);
        Tensor component = searchsorted(edges, noise.Uniform(count), false, false).clamp_max(Scalars.Of(Components - 1));
        return _means.index_select(0, component).Plus(noise.Normal(count, Width).Times((float)_deviation)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The velocity E[x₁ − ε | x_t = x] of x_t = t·x₁ + (1 − t)·ε, [n, d]: of each component v = μ + (t·s² − (1 − t))/(t²s² + (1 − t)²)·(x − t·μ),
    /// weighted by the component's share in x_t at x.
    /// </summary>
    /// <param name="x">[n, d].</param>
    /// <param name="t">0 (noise) … 1 (data).</param>
    public Tensor Velocity(Tensor x, double t)
    {
        using DisposeScope scope = NewDisposeScope();
        double squared = _deviation * _deviation, variance = (t * t * squared) + ((1 - t) * (1 - t));
        Tensor apart = x.unsqueeze(1) - _means.Times((float)t); // [n, k, d]
        Tensor share = (_logWeights - apart.Squared().sum(2).Over((float)(2 * variance))).softmax(1).unsqueeze(2);
        Tensor each = _means.Plus(apart.Times((float)(((t * squared) - (1 - t)) / variance)));
        return (share * each).sum(1).MoveToOuterDisposeScope();
    }

    /// <summary>log p of each point, [n], in nats.</summary>
    /// <param name="x">[n, d].</param>
    public Tensor LogDensity(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor squared = x.unsqueeze(1).sub(_means).Squared().sum(2).Over(-2 * _deviation * _deviation); // [n, k]
        return squared.Plus(_logWeights).logsumexp(1).Minus(Width * Math.Log(_deviation * Math.Sqrt(2 * Math.PI))).MoveToOuterDisposeScope();
    }

    /// <summary>Distance of each point to the nearest centre in standard deviations, [n]; of the mixture's own points in the plane 1.25 on average.</summary>
    public Tensor Deviations(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return (x.unsqueeze(1) - _means).Squared().sum(2).amin([1]).sqrt().Over((float)_deviation).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _means.Dispose();
        _logWeights.Dispose();
    }
}
