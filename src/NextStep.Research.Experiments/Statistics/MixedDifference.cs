using MathNet.Numerics.Distributions;

namespace NextStep.Research.Experiments;

/// <summary>
/// Pictures and seeds in one model: the difference of a picture (1 only the arm is right, −1 only the other is, 0 both or neither) is
/// a mean + the seed's deviation + the picture's own, both normal with a variance each; fitted by restricted maximum likelihood
/// (R: <c>lmer(d ~ 1 + (1 | seed))</c>), which has a closed form here because every seed has equally many pictures. The interval uses
/// seeds − 1 degrees of freedom, so that more pictures never stand in for seeds.
/// </summary>
/// <param name="Seeds">How many, from 2.</param>
/// <param name="Pictures">Of each seed.</param>
/// <param name="Difference">Mean difference of the shares of right pictures.</param>
/// <param name="StandardError">Its standard error.</param>
/// <param name="SeedDeviation">Standard deviation of the true difference from seed to seed; 0 where pictures alone explain the spread.</param>
/// <param name="PictureDeviation">Standard deviation of a single picture within a seed.</param>
/// <param name="Low">Lower end of the 95 % interval of the difference.</param>
/// <param name="High">Upper end.</param>
/// <param name="PValue">Two-sided, of the null hypothesis that training makes no difference.</param>
internal sealed record MixedDifference(
    int Seeds, int Pictures, double Difference, double StandardError, double SeedDeviation, double PictureDeviation, double Low, double High, double PValue)
{
    /// <summary>Share of the squared standard error that is due to the seeds: near 1 only more seeds help, near 0 more pictures do.</summary>
    public double SeedShare => StandardError > 0 ? SeedDeviation * SeedDeviation / Seeds / (StandardError * StandardError) : 0;

    /// <summary>Null for fewer than two seeds, where seeds have different numbers of pictures, and where no picture differs.</summary>
    /// <param name="tests">The pairs of one arm with another, a seed each.</param>
    public static MixedDifference? Of(IReadOnlyList<PictureTest> tests)
    {
        ArgumentNullException.ThrowIfNull(tests);
        int seeds = tests.Count;
        if (seeds < 2 || tests.Any(t => t.Pictures != tests[0].Pictures) || tests[0].Pictures < 2)
        {
            return null;
        }
        int pictures = tests[0].Pictures;
        double mean = tests.Average(t => t.Difference);
        double within = tests.Sum(t => t.OnlyArm + t.OnlyOther - (pictures * t.Difference * t.Difference));
        double between = pictures * tests.Sum(t => (t.Difference - mean) * (t.Difference - mean));
        double withinSquare = within / (seeds * (pictures - 1)), betweenSquare = between / (seeds - 1);
        bool seedsVary = betweenSquare > withinSquare;
        double pictureVariance = seedsVary ? withinSquare : (within + between) / ((seeds * pictures) - 1);
        double seedVariance = seedsVary ? (betweenSquare - withinSquare) / pictures : 0;
        double error = Math.Sqrt((seedVariance / seeds) + (pictureVariance / (seeds * pictures)));
        if (!(error > MeanTest.Rounding))
        {
            return null;
        }
        double half = StudentT.InvCDF(0, 1, seeds - 1, 0.975) * error;
        return new MixedDifference(seeds, pictures, mean, error, Math.Sqrt(seedVariance), Math.Sqrt(pictureVariance), mean - half, mean + half,
            2 * StudentT.CDF(0, 1, seeds - 1, -Math.Abs(mean / error)));
    }
}
