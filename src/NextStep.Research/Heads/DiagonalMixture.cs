using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>n mixtures of k Gaussians without correlation, a row each. Temporaries of a dispose scope.</summary>
/// <param name="LogShares">[n, k], of exponentials that sum to 1.</param>
/// <param name="Means">[n, k, d].</param>
/// <param name="Deviations">[n, k, d], above 0.</param>
internal sealed record DiagonalMixture(Tensor LogShares, Tensor Means, Tensor Deviations)
{
    /// <summary>Some of the rows.</summary>
    public DiagonalMixture Rows(long start, long count) =>
        new(LogShares.narrow(0, start, count), Means.narrow(0, start, count), Deviations.narrow(0, start, count));

    /// <summary>log p, [n, c], of c points a row, [n, c, d].</summary>
    public Tensor Log(Tensor points)
    {
        Tensor apart = points.unsqueeze(2).sub(Means.unsqueeze(1)).div(Deviations.unsqueeze(1)); // [n, c, k, d]
        Tensor scale = Deviations.log().sum([-1]).Plus(Means.size(2) * Math.Log(2 * Math.PI) / 2); // [n, k]
        return apart.Squared().sum([-1]).Times(-0.5).sub(scale.unsqueeze(1)).Plus(LogShares.unsqueeze(1)).logsumexp(-1);
    }

    /// <summary>c points a row, [n, c, d]; draws uniform [n, c], then normal [n, c, d].</summary>
    public Tensor Sample(int count, NoiseSource noise)
    {
        long rows = Means.size(0), width = Means.size(2);
        Tensor component = Pick(LogShares.exp(), noise.Uniform(rows, count).to(Means.device)).unsqueeze(2).expand(-1, -1, width);
        return Means.gather(1, component).Plus(Deviations.gather(1, component).mul(noise.Normal(rows, count, width).to(Means.device)));
    }

    /// <summary>For each number in [0, 1), [n, c], the place that it falls into among shares [n, k].</summary>
    public static Tensor Pick(Tensor shares, Tensor uniform) =>
        searchsorted(shares.cumsum(1), uniform.contiguous(), false, true).clamp_max(Scalars.Of(shares.size(1) - 1));
}
