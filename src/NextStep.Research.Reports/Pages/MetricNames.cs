using System.Globalization;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>Which way is better.</summary>
internal enum Better
{
    Unknown,
    Higher,
    Lower,
}

/// <summary>How a metric is called, scaled and judged in the report.</summary>
/// <param name="Label">Words for it.</param>
/// <param name="Unit">Unit, or empty.</param>
/// <param name="Better">Which way is better.</param>
/// <param name="Scale">Factor from the stored value to the printed one: 100 for percentages.</param>
internal sealed record MetricName(string Label, string Unit, Better Better, double Scale = 1)
{
    private static readonly Dictionary<string, MetricName> Known = new(StringComparer.Ordinal)
    {
        ["autoencoder.psnr"] = new("Reconstruction PSNR", "dB", Better.Higher),
        ["autoencoder.ssim"] = new("Reconstruction SSIM", "", Better.Higher),
        ["autoencoder.loss"] = new("Autoencoder loss", "", Better.Lower),
        ["flow.loss"] = new("Flow loss", "", Better.Lower),
        ["text.loss"] = new("Text loss", "nats", Better.Lower),
        ["alignment"] = new("Prompts drawn right", "%", Better.Higher, 100),
        ["frechet"] = new("Fréchet distance", "", Better.Lower),
        ["kernel"] = new("Kernel distance", "", Better.Lower),
        ["learningRate"] = new("Learning rate", "", Better.Unknown),
    };

    // Percentages carry their sign with each number.
    public string LabelAndUnit => Unit.Length == 0 || Scale == 100 ? Label : $"{Label} ({Unit})";

    public string Direction => Better switch { Better.Higher => "↑ higher is better", Better.Lower => "↓ lower is better", _ => "" };

    /// <summary>The name of a metric; unknown ones keep their own, judged by their family.</summary>
    public static MetricName Of(string metric)
    {
        if (Known.TryGetValue(metric, out MetricName? known))
        {
            return known;
        }

        string[] parts = metric.Split('.');
        // frechet #2: the same metric with another identity.
        if (RunStatistics.NameOf(metric) is { } name && name != metric)
        {
            return Of(name) with { Label = Of(name).Label + metric[name.Length..] };
        }

        return parts[0] switch
        {
            "alignment" => new("Drawn right: " + Words(parts[1..]), "%", Better.Higher, 100),
            "artifacts" => new("Artifact: " + Words(parts[1..]), "", Better.Lower),
            _ when parts[^1] is "loss" => new(metric, "", Better.Lower),
            _ when parts[^1] is "psnr" => new(metric, "dB", Better.Higher),
            _ when parts[^1] is "ssim" => new(metric, "", Better.Higher),
            _ => new(metric, "", Better.Unknown),
        };
    }

    public string Format(double value) => Scale == 100 ? Percent(value) : Numbers.Format(value * Scale);

    /// <summary>A difference with its interval; of percentages in points.</summary>
    public string FormatDifference(Estimate difference)
    {
        bool points = Scale == 100;
        string mean = points ? (difference.Mean > 0 ? "+" : "") + Points(difference.Mean) : Numbers.Signed(difference.Mean * Scale);
        string half = difference.HalfWidth is { } h ? " ± " + (points ? Points(h) : Numbers.Format(h * Scale)) : "";
        return mean + half + (points ? " points" : "");
    }

    private static string Percent(double value) => Points(value) + (double.IsFinite(value) ? " %" : "");

    private static string Points(double value) => double.IsFinite(value)
        ? (value * 100).ToString("0.0", CultureInfo.InvariantCulture).Replace('-', '−') : Numbers.Format(value);

    private static string Words(string[] parts) => string.Join(' ', parts);
}
