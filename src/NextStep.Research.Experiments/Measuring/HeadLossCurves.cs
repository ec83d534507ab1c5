using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>The head's loss of held-out pictures by time and by raster position, or by the place in another order of drawing, gathered batch by batch.</summary>
/// <param name="tokens">Of a picture.</param>
/// <param name="steps">Which of them the model draws together; those that it draws jointly have one loss.</param>
internal sealed class HeadLossCurves(int tokens, TokenSteps steps)
{
    private readonly double[] _timeSums = new double[ModelTrainer.TimeBins], _timeCounts = new double[ModelTrainer.TimeBins];
    private readonly double[] _positionSums = new double[tokens / steps.DrawnAsOne], _positionCounts = new double[tokens / steps.DrawnAsOne];

    /// <summary>Adds the losses of pictures whose tokens come in the order of drawing, any number of times over.</summary>
    public void Add(TokenLoss loss)
    {
        using DisposeScope scope = NewDisposeScope();
        double[] losses = [.. loss.PerToken.cpu().to_type(float64).data<double>()];
        double[]? times = loss.Times is null ? null : [.. loss.Times.cpu().to_type(float64).data<double>()];
        for (int i = 0; i < losses.Length; i++)
        {
            int position = i % _positionSums.Length;
            if (times is not null)
            {
                int bin = Math.Clamp((int)(times[i] * ModelTrainer.TimeBins), 0, ModelTrainer.TimeBins - 1);
                (_timeSums[bin], _timeCounts[bin]) = (_timeSums[bin] + losses[i], _timeCounts[bin] + 1);
            }
            (_positionSums[position], _positionCounts[position]) = (_positionSums[position] + losses[i], _positionCounts[position] + 1);
        }
    }

    /// <summary><c>flow.loss.byTime</c>, of heads that know a time, and <c>flow.loss.byPosition</c>; NaN where nothing was drawn.</summary>
    /// <param name="name">Of the loss, <see cref="TokenHead.LossName"/>.</param>
    public IReadOnlyDictionary<string, Curve> Curves(string name)
    {
        bool flow = name == "flow.loss";
        string title = flow ? "Flow loss" : "Loss of the head", unit = flow ? "mean squared error of the velocity" : "the head's own objective";
        Dictionary<string, Curve> curves = new()
        {
            [name + ".byPosition"] = Of($"{title} of held-out pictures by {(steps.Plain ? "raster position" : "order of drawing")}", steps.Plain ? "image token, raster order" : "place in the order of drawing", [.. Enumerable.Range(0, _positionSums.Length).Select(i => (double)i)], _positionSums, _positionCounts),
        };
        if (_timeCounts.Any(c => c > 0))
        {
            curves[name + ".byTime"] = Of($"{title} of held-out pictures by time", "t, 0 = noise, 1 = token", [.. Enumerable.Range(0, ModelTrainer.TimeBins).Select(b => (b + 0.5) / ModelTrainer.TimeBins)], _timeSums, _timeCounts);
        }
        return curves;

        Curve Of(string what, string axis, double[] x, double[] sums, double[] counts) =>
            new(what, axis, unit, x, new Dictionary<string, IReadOnlyList<double>> { [title.ToLowerInvariant()] = [.. sums.Zip(counts, (s, c) => s / c)] });
    }
}
