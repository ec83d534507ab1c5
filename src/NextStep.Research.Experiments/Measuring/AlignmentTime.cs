using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>
/// The time from nothing to a wanted alignment. The same prompts are drawn with the same noise from the averaged weights at every snapshot of the
/// training; through their shares the best rising line is laid (isotonic regression, Barlow et al. 1972), since one lucky drawing is no arrival, and where it
/// crosses the target, on a straight line over the logarithm of the images, is <c>alignment.images</c>. <c>alignment.seconds</c> is the processor time, all
/// threads, of the autoencoder's steps, of the latents, and of the model's steps up to there; the drawings do not count.
/// </summary>
internal static class AlignmentTime
{
    /// <summary>What it measures; neither is there where the target was not reached.</summary>
    public static string[] Names { get; } = ["alignment.images", "alignment.seconds"];

    /// <summary>Adds the two numbers and the curve <c>alignment.training</c>.</summary>
    /// <param name="all">The list.</param>
    /// <param name="config">The cell's configuration.</param>
    /// <param name="target">Share of right pictures, 0 … 1.</param>
    /// <param name="inputs">Folders of the earlier stages by kind.</param>
    /// <param name="prompts">Of the shapes world's grammar.</param>
    /// <param name="cancellation">Stops between and within drawings.</param>
    public static void Add(
        Measurements all, ResearchConfig config, double target, IReadOnlyDictionary<string, string> inputs, IReadOnlyList<string> prompts, CancellationToken cancellation)
    {
        IReadOnlyList<(long Images, string File)> snapshots = WeightSnapshots.Of(inputs["model"]);
        double[] shares = new double[snapshots.Count];
        for (int i = 0; i < snapshots.Count; i++)
        {
            int at = i;
            all.Add($"alignment after {snapshots[at].Images} images", () => shares[at] = Share(config, inputs["model"], snapshots[at].File, prompts, cancellation));
        }
        all.Add("time to the alignment", () =>
        {
            long[] images = [.. snapshots.Select(s => s.Images)];
            double[] rising = Rising(shares);
            all.Curves["alignment.training"] = new Curve("Alignment over the training", "images seen", "share of right pictures", [.. images.Select(i => (double)i)],
                new Dictionary<string, IReadOnlyList<double>> { ["drawn"] = shares, ["rising line"] = rising });
            if (Crossing(images, rising, target) is { } crossing)
            {
                all.Numbers["alignment.images"] = crossing;
                all.Numbers["alignment.seconds"] = Before(inputs) + TrainingClock.At(TrainingClock.Read(inputs["model"]), crossing);
            }
        });
    }

    /// <summary>The rising values nearest to <paramref name="values"/> in the sum of squares: neighbours that fall are pooled to their mean.</summary>
    public static double[] Rising(IReadOnlyList<double> values)
    {
        List<(double Mean, int Count)> pools = [];
        foreach (double value in values)
        {
            pools.Add((value, 1));
            while (pools.Count > 1 && pools[^2].Mean > pools[^1].Mean)
            {
                ((double a, int m), (double b, int n)) = (pools[^2], pools[^1]);
                pools.RemoveRange(pools.Count - 2, 2);
                pools.Add((((a * m) + (b * n)) / (m + n), m + n));
            }
        }
        return [.. pools.SelectMany(p => Enumerable.Repeat(p.Mean, p.Count))];
    }

    /// <summary>Images at which a rising line reaches the target; at the first position if it does so there already, null if it never does.</summary>
    public static double? Crossing(IReadOnlyList<long> images, IReadOnlyList<double> rising, double target)
    {
        for (int i = 0; i < images.Count; i++)
        {
            if (rising[i] >= target)
            {
                return i == 0 ? images[0] : images[i - 1] * Math.Pow((double)images[i] / images[i - 1], (target - rising[i - 1]) / (rising[i] - rising[i - 1]));
            }
        }
        return null;
    }

    // A model of its own: the cell's goes on with its final weights.
    private static double Share(ResearchConfig config, string stage, string snapshot, IReadOnlyList<string> prompts, CancellationToken cancellation)
    {
        using LoadedModel loaded = ReleasedFolder.Load(Path.Combine(stage, ModelStage.ModelFolder), config.OpenDevice(), config.Precision.ToScalarType());
        WeightSnapshots.Load(snapshot, loaded.Model);
        Tensor pictures = loaded.Generator().Draw(
            new GenerationRequest { Prompts = prompts, Height = config.Data.ImageSize, Width = config.Data.ImageSize, Sampling = config.Sampling, Seed = config.Seed }, null, cancellation).cpu();
        return Alignment.Measure(where(pictures.isfinite().flatten(1).all(1).view(-1, 1, 1, 1), pictures, zeros_like(pictures)), prompts).Overall;
    }

    private static double Before(IReadOnlyDictionary<string, string> inputs) =>
        TrainingClock.Read(inputs["autoencoder"]).Values.Last()
        + (RunFolder.Read<StageRecord>(Path.Combine(inputs["latents"], StageRecord.FileName))?.ProcessorSeconds
            ?? throw new InvalidDataException($"{inputs["latents"]}: its {StageRecord.FileName} does not say what processor time it took; delete the stage's folder to run it again."));
}
