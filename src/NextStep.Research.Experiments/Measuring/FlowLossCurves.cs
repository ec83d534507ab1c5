using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>The flow loss of held-out pictures by time and by raster position, gathered batch by batch.</summary>
internal sealed class FlowLossCurves(int tokens)
{
    private readonly double[] _timeSums = new double[ModelTrainer.TimeBins], _timeCounts = new double[ModelTrainer.TimeBins];
    private readonly double[] _positionSums = new double[tokens], _positionCounts = new double[tokens];

    /// <summary>Adds the losses of pictures whose tokens come in raster order, any number of times over.</summary>
    public void Add(FlowLoss loss)
    {
        using DisposeScope scope = NewDisposeScope();
        double[] losses = [.. loss.PerToken.cpu().to_type(float64).data<double>()], times = [.. loss.Times.cpu().to_type(float64).data<double>()];
        for (int i = 0; i < losses.Length; i++)
        {
            int bin = Math.Clamp((int)(times[i] * ModelTrainer.TimeBins), 0, ModelTrainer.TimeBins - 1), position = i % tokens;
            (_timeSums[bin], _timeCounts[bin]) = (_timeSums[bin] + losses[i], _timeCounts[bin] + 1);
            (_positionSums[position], _positionCounts[position]) = (_positionSums[position] + losses[i], _positionCounts[position] + 1);
        }
    }

    /// <summary><c>flow.loss.byTime</c> and <c>flow.loss.byPosition</c>; NaN where nothing was drawn.</summary>
    public IReadOnlyDictionary<string, Curve> Curves() => new Dictionary<string, Curve>
    {
        ["flow.loss.byTime"] = Of("Flow loss of held-out pictures by time", "t, 0 = noise, 1 = token", [.. Enumerable.Range(0, ModelTrainer.TimeBins).Select(b => (b + 0.5) / ModelTrainer.TimeBins)], _timeSums, _timeCounts),
        ["flow.loss.byPosition"] = Of("Flow loss of held-out pictures by raster position", "image token, raster order", [.. Enumerable.Range(0, tokens).Select(i => (double)i)], _positionSums, _positionCounts),
    };

    private static Curve Of(string title, string axis, double[] x, double[] sums, double[] counts) =>
        new(title, axis, "mean squared error of the velocity", x, new Dictionary<string, IReadOnlyList<double>> { ["flow loss"] = [.. sums.Zip(counts, (s, c) => s / c)] });
}
