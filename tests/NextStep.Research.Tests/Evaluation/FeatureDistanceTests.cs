using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class FeatureDistanceTests : IDisposable
{
    // What is made on the way in an expression lives until the test ends: the collector may not free it during a native call.
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Frechet_of_diagonal_gaussians_is_the_closed_form()
    {
        // ‖μ₁ − μ₂‖² + Σ(σ₁ − σ₂)² for commuting covariances.
        using Tensor mean1 = tensor(new double[] { 1, 2, 3 }), mean2 = tensor(new double[] { 1, 0, 3.5 });
        using Tensor one = diag(tensor(new double[] { 4, 9, 1 })), two = diag(tensor(new double[] { 1, 9, 6.25 }));
        Assert.Equal(4 + 0.25 + 1 + 0 + 2.25, FrechetDistance.Of(new GaussianFit(mean1, one), new GaussianFit(mean2, two)), 10);
    }

    [Fact]
    public void Frechet_of_two_dimensions_matches_the_trace_formula_of_a_general_product()
    {
        // For 2×2 matrices tr√M = √(tr M + 2√det M).
        using Tensor mean = zeros(2, float64);
        double[,] a = { { 2, 0.7 }, { 0.7, 1 } }, b = { { 1.5, -0.9 }, { -0.9, 3 } };
        double trace = (a[0, 0] * b[0, 0]) + (2 * a[0, 1] * b[0, 1]) + (a[1, 1] * b[1, 1]);
        double determinant = ((a[0, 0] * a[1, 1]) - (a[0, 1] * a[1, 0])) * ((b[0, 0] * b[1, 1]) - (b[0, 1] * b[1, 0]));
        double expected = 3 + 4.5 - (2 * Math.Sqrt(trace + (2 * Math.Sqrt(determinant))));
        using Tensor first = tensor(a), second = tensor(b);
        Assert.Equal(expected, FrechetDistance.Of(new GaussianFit(mean, first), new GaussianFit(mean, second)), 10);
    }

    [Fact]
    public void The_form_for_few_pictures_equals_the_symmetric_one()
    {
        using Tensor x = Normal(12, 20, 1), y = Normal(9, 20, 2) * 1.3;
        using GaussianFit a = GaussianFit.Of(x), b = GaussianFit.Of(y);
        Assert.Equal(FrechetDistance.Of(a, b), FrechetDistance.Of(x, y), 5); // √ of eigenvalues near 0 costs half the digits
    }

    [Fact]
    public void Frechet_is_a_distance_that_rotations_leave_alone()
    {
        using Tensor x = Normal(60, 5, 3), y = (Normal(70, 5, 4) * 0.7) + 0.4;
        double d = FrechetDistance.Of(x, y);
        Assert.Equal(0, FrechetDistance.Of(x, x), 8);
        Assert.Equal(d, FrechetDistance.Of(y, x), 8);
        (Tensor q, _) = linalg.qr(Normal(5, 5, 5));
        Assert.Equal(d, FrechetDistance.Of(matmul(x, q), matmul(y, q)), 8);
        Assert.Equal(4 * d, FrechetDistance.Of(x * 2, y * 2), 8);
    }

    [Fact]
    public void Large_samples_of_known_gaussians_come_near_the_closed_form()
    {
        using Tensor x = Normal(20_000, 3, 6), y = (Normal(20_000, 3, 7) * 2) + 1;
        Assert.Equal(3 + 3, FrechetDistance.Of(x, y), 0.15);
    }

    [Fact]
    public void Kernel_distance_matches_moments_and_its_error_covers_them()
    {
        // In one dimension k = (xy + 1)³ compares moments: Σ binom(3, j)·(m_j − m'_j)².
        double expected = (3 * Math.Pow(0 - 0.5, 2)) + (3 * Math.Pow(1 - 1.25, 2)) + Math.Pow(0 - 1.625, 2);
        using Tensor x = Normal(4000, 1, 8), y = Normal(4000, 1, 9) + 0.5;
        KernelDistanceValue estimate = KernelDistance.Of(x, y);
        Assert.InRange(Math.Abs(estimate.Value - expected) / estimate.StandardError, 0, 3);
        Assert.InRange(estimate.StandardError, 0.02, 1);
    }

    [Fact]
    public void Kernel_distance_is_unbiased_and_its_error_has_the_right_size()
    {
        KernelDistanceValue[] repeats = [.. Enumerable.Range(0, 200).Select(i =>
        {
            using Tensor x = Normal(20, 4, 100 + i), y = Normal(25, 4, 900 + i);
            return KernelDistance.Of(x, y);
        })];
        double mean = repeats.Average(r => r.Value);
        double spread = Math.Sqrt(repeats.Average(r => (r.Value - mean) * (r.Value - mean)));
        Assert.InRange(mean, -3 * spread / Math.Sqrt(200), 3 * spread / Math.Sqrt(200));
        Assert.InRange(repeats.Average(r => r.StandardError) / spread, 0.7, 1.5);
    }

    [Fact]
    public void Leaving_one_out_is_what_the_jackknife_says()
    {
        using Tensor x = Normal(6, 2, 10), y = Normal(5, 2, 11);
        double Direct(Tensor a, Tensor b) => KernelDistance.Of(a, b).Value;
        double[] withoutX = [.. Enumerable.Range(0, 6).Select(i => Direct(x.index_select(0, Except(6, i)), y))];
        double[] withoutY = [.. Enumerable.Range(0, 5).Select(i => Direct(x, y.index_select(0, Except(5, i))))];
        double Part(double[] v) => v.Sum(a => (a - v.Average()) * (a - v.Average())) * (v.Length - 1) / v.Length;
        Assert.Equal(Math.Sqrt(Part(withoutX) + Part(withoutY)), KernelDistance.Of(x, y).StandardError, 10);
    }

    [Fact]
    public void Neighbours_tell_a_missing_mode_from_bad_pictures()
    {
        using Tensor left = Normal(60, 2, 12) * 0.2, right = (Normal(60, 2, 13) * 0.2) + 10;
        using Tensor both = cat([left, right]), copy = both.clone();
        NeighbourMetrics same = NeighbourMetrics.Of(copy, both);
        Assert.Equal((1.0, 1.0, 1.0), (same.Precision, same.Recall, same.Coverage));
        using Tensor onlyLeft = left + 0.01;
        NeighbourMetrics missing = NeighbourMetrics.Of(onlyLeft, both);
        Assert.True(missing.Precision > 0.9 && missing.Recall is > 0.35 and <= 0.5 && missing.Coverage <= 0.5);
        using Tensor far = both + 100;
        Assert.Equal((0.0, 0.0, 0.0, 0.0), NeighbourMetrics.Of(far, both) is var f ? (f.Precision, f.Recall, f.Density, f.Coverage) : default);
    }

    /// <summary>Whatever the rounding: with copies in the set, whose balls have no radius, a long common vector, another order, more than one block of rows.</summary>
    [Theory]
    [InlineData(61, 256, 6, 0)]
    [InlineData(13, 1000, 6, 0)]
    [InlineData(61, 33, 6, 1e3)]
    [InlineData(1100, 8, 1, 50)]
    public void Equal_sets_cover_each_other(int count, int width, int copies, double offset)
    {
        Tensor few = Normal(count, width, 17).Plus(offset).to_type(float32).to_type(float64), set = cat([.. Enumerable.Repeat(few, copies)]);
        NeighbourMetrics same = NeighbourMetrics.Of(set, set.clone()), turned = NeighbourMetrics.Of(set.flip(0), set);
        Assert.Equal((1.0, 1.0, 1.0), (same.Precision, same.Recall, same.Coverage));
        Assert.Equal((1.0, 1.0, 1.0), (turned.Precision, turned.Recall, turned.Coverage));
    }

    [Fact]
    public void Too_few_pictures_and_values_that_are_no_numbers_are_refused_in_words()
    {
        using Tensor one = Normal(1, 3, 14), two = Normal(4, 3, 15), bad = Normal(4, 3, 16);
        bad[2, 1] = double.NaN;
        Assert.Contains("at least two pictures, not 1", Assert.Throws<ArgumentException>(() => FrechetDistance.Of(one, two)).Message, StringComparison.Ordinal);
        Assert.Contains("picture 3", Assert.Throws<ArgumentException>(() => KernelDistance.Of(two, bad)).Message, StringComparison.Ordinal);
        Assert.Contains("width 3 and 2", Assert.Throws<ArgumentException>(() => FrechetDistance.Of(two, Normal(4, 2, 1))).Message, StringComparison.Ordinal);
        Assert.Contains("more than 5", Assert.Throws<ArgumentException>(() => NeighbourMetrics.Of(two, two)).Message, StringComparison.Ordinal);
    }

    private static Tensor Except(int count, int left) => tensor([.. Enumerable.Range(0, count).Where(i => i != left).Select(i => (long)i)]);

    private static Tensor Normal(long rows, long columns, int seed)
    {
        using Generator random = Streams.For(seed, "test.features");
        return randn([rows, columns], float64, generator: random);
    }
}
