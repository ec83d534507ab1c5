using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Precision and recall (Kynkäänniemi et al. 2019) and density and coverage (Naeem et al. 2020) of generated against reference features:
/// balls around each vector that reach to its k-th nearest neighbour in its own set stand for the set.
/// </summary>
/// <param name="Precision">Share of generated vectors inside some reference ball, k = 3: are the pictures plausible?</param>
/// <param name="Recall">Share of reference vectors inside some generated ball, k = 3: is everything covered?</param>
/// <param name="Density">Reference balls that a generated vector lies in, over k = 5; 1 is expected for equal distributions, more is possible.</param>
/// <param name="Coverage">Share of reference balls, k = 5, that hold a generated vector.</param>
public sealed record NeighbourMetrics(double Precision, double Recall, double Density, double Coverage)
{
    private const int ManifoldNeighbours = 3;
    private const int DensityNeighbours = 5;

    // Rounding of a squared distance, as a share of the squared lengths: within it a vector lies on the ball's edge, so that equal sets cover each other.
    private const double Rounding = 1e-12;

    /// <summary>Of generated [m, d] and reference [n, d], each with more than five vectors.</summary>
    /// <exception cref="ArgumentException">Too few vectors, different widths, or a value that is not finite.</exception>
    public static NeighbourMetrics Of(Tensor generated, Tensor reference)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor g, Tensor r) = FeatureSets.CheckPair(generated, reference);
        if (Math.Min(g.size(0), r.size(0)) <= DensityNeighbours)
        {
            throw new ArgumentException($"Nearest neighbours need more than {DensityNeighbours} pictures in each set, not {g.size(0)} and {r.size(0)}.", nameof(generated));
        }
        Tensor centre = r.mean([0], keepdim: true);
        (g, r) = (g - centre, r - centre); // long vectors would lose short distances
        Tensor radiiR = Radii(r), radiiG = Radii(g); // [n, 2]: squared distance to the 3rd and 5th neighbour
        Tensor between = Squares(g, r, Rounding);
        double precision = Share(between.le(radiiR.select(1, 0)).any(1));
        double recall = Share(between.le(radiiG.select(1, 0).unsqueeze(1)).any(0));
        Tensor inside = between.le(radiiR.select(1, 1));
        double density = inside.to_type(float64).sum().item<double>() / (DensityNeighbours * g.size(0));
        return new NeighbourMetrics(precision, recall, density, Share(inside.any(0)));
    }

    private static double Share(Tensor flags) => flags.to_type(float64).mean().item<double>();

    private static Tensor Radii(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] parts = [.. Enumerable.Range(0, (int)((x.size(0) + 1023) / 1024)).Select(i =>
        {
            long start = 1024L * i, count = Math.Min(1024, x.size(0) - start);
            // One more than k: a vector's nearest is itself.
            Tensor nearest = Squares(x.narrow(0, start, count), x).topk(DensityNeighbours + 1, 1, largest: false, sorted: true).values;
            return stack([nearest.select(1, ManifoldNeighbours), nearest.select(1, DensityNeighbours)], 1);
        })];
        return cat(parts).MoveToOuterDisposeScope();
    }

    private static Tensor Squares(Tensor a, Tensor b, double less = 0)
    {
        using DisposeScope scope = NewDisposeScope();
        return (a.Squared().sum(1, keepdim: true).Plus(b.Squared().sum(1)).Times(1 - less) - matmul(a, b.transpose(0, 1)).Times(2)).clamp_min(Scalars.Of(0)).MoveToOuterDisposeScope();
    }
}
