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
        ["autoencoder.frechet"] = new("Fréchet distance of reconstructions", "", Better.Lower),
        ["autoencoder.loss"] = new("Autoencoder loss", "", Better.Lower),
        ["autoencoder.squaredError"] = new("Squared reconstruction error", "", Better.Lower),
        ["latents.mean"] = new("Mean of latents", "", Better.Unknown),
        ["latents.std"] = new("Standard deviation of latents", "", Better.Unknown),
        ["latents.kurtosis"] = new("Excess kurtosis of latents", "", Better.Unknown),
        ["latents.effectiveDimension"] = new("Effective dimension of latents", "", Better.Unknown),
        ["latents.effectiveShare"] = new("Effective share of the token’s width", "%", Better.Unknown, 100),
        ["latents.normalDistance"] = new("Distance of latents to a standard normal", "", Better.Lower),
        ["flow.loss"] = new("Flow loss", "", Better.Lower),
        ["text.loss"] = new("Text loss", "nats", Better.Lower),
        ["alignment"] = new("Prompts drawn right", "%", Better.Higher, 100),
        ["alignment.low"] = new("Prompts drawn right, lower end", "%", Better.Higher, 100),
        ["alignment.high"] = new("Prompts drawn right, upper end", "%", Better.Higher, 100),
        ["alignment.geneval"] = new("Prompts drawn right by GenEval’s rule", "%", Better.Higher, 100),
        ["alignment.ceiling.renders"] = new("Verifier accepts fresh renders", "%", Better.Higher, 100),
        ["alignment.ceiling.reconstructions"] = new("Verifier accepts reconstructions", "%", Better.Higher, 100),
        ["verifier.accepts.clean"] = new("Verifier accepts right captions", "%", Better.Higher, 100),
        ["verifier.falseAccepts.clean"] = new("Verifier accepts wrong captions", "%", Better.Lower, 100),
        ["edit.success"] = new("Edits done as asked", "%", Better.Higher, 100),
        ["edit.success.ceiling"] = new("Verifier accepts right edits, reconstructed", "%", Better.Unknown, 100),
        ["edit.success.copy"] = new("Edits done by mere copying", "%", Better.Unknown, 100),
        ["edit.preservation"] = new("Preservation of what an edit leaves alone", "dB", Better.Higher),
        ["edit.preservation.copy"] = new("Preservation by mere copying", "dB", Better.Unknown),
        ["edit.flow.loss"] = new("Flow loss of edits", "", Better.Lower),
        ["edit.text.loss"] = new("Text loss of edits", "nats", Better.Lower),
        ["frechet"] = new("Fréchet distance", "", Better.Lower),
        ["frechet.floor"] = new("Fréchet distance of real pictures to each other", "", Better.Unknown),
        ["kernel"] = new("Kernel distance", "", Better.Lower),
        ["kernel.error"] = new("Standard error of the kernel distance", "", Better.Unknown),
        ["precision"] = new("Precision", "", Better.Higher),
        ["recall"] = new("Recall", "", Better.Higher),
        ["density"] = new("Density", "", Better.Higher),
        ["coverage"] = new("Coverage", "", Better.Higher),
        ["learningRate"] = new("Learning rate", "", Better.Unknown),
        ["gradientNorm"] = new("Norm of the gradient", "", Better.Unknown),
    };

    // Percentages carry their sign with each number.
    public string LabelAndUnit => Unit.Length == 0 ? Label : $"{Label} ({Unit})";

    public string Direction => Better switch { Better.Higher => "↑ higher is better", Better.Lower => "↓ lower is better", _ => "" };

    /// <summary>The name of a metric; unknown ones keep their own, judged by their family.</summary>
    public static MetricName Of(string metric)
    {
        if (Known.TryGetValue(metric, out MetricName? known))
        {
            return known;
        }

        // frechet #2: the same metric with another identity.
        if (RunStatistics.NameOf(metric) is { } name && name != metric)
        {
            return Of(name) with { Label = Of(name).Label + metric[name.Length..] };
        }

        string[] parts = metric.Split('.');
        string last = parts[^1];
        return parts[0] switch
        {
            "alignment" when last is "low" or "high" => new($"Drawn right: {Words(parts[1..^1])}, {(last == "low" ? "lower" : "upper")} end", "%", Better.Higher, 100),
            "alignment" when parts[1] == "geneval" => new("By GenEval’s rule: " + Words(parts[2..]), "%", Better.Higher, 100),
            "alignment" => new("Drawn right: " + Words(parts[1..]), "%", Better.Higher, 100),
            "edit" when last is "low" or "high" => new($"Edits done as asked, {(last == "low" ? "lower" : "upper")} end", "%", Better.Higher, 100),
            "edit" when parts is [_, "success", var kind] => new("Edits done as asked: " + Words([kind]), "%", Better.Higher, 100),
            "edit" when metric.StartsWith("edit.flow.loss.t", StringComparison.Ordinal) => new("Flow loss of edits in time bin " + last[1..], "", Better.Lower),
            "teacher-forced" => new($"Drawn right {(parts.Length > 1 && parts[1] == "free" ? "after own tokens" : "after true tokens")}{(parts.Length > 1 && parts[^1] is not ("free" or "all") ? ": " + Words([.. parts[1..].Where(p => p != "free")]) : "")}", "%", Better.Higher, 100),
            "failures" => new("Rejected: " + Words(parts[1..]), "pictures", Better.Lower),
            "artifacts" when last is "real" => new($"{Capital(Words(parts[1..^1]))} of real pictures", "", Better.Unknown),
            "artifacts" when last is "ratio" => new($"{Capital(Words(parts[1..^1]))}, drawn over real", "", Better.Unknown),
            "artifacts" when last is "drift" => new($"{Capital(Words(parts[1..^1]))}: what the last tokens have more than the first, beyond real pictures", "", Better.Lower),
            "artifacts" when last is "phase" => new($"{Capital(Words(parts[1..^1]))}: where the grid begins", "pixels", Better.Unknown),
            "artifacts" => new(Capital(Words(parts[1..])), "", Better.Lower),
            "flow" when metric is "flow.loss.early" or "flow.loss.late" => new($"Flow loss of the {(last == "early" ? "first" : "last")} quarter of the tokens", "", Better.Lower),
            "flow" when metric.StartsWith("flow.loss.t", StringComparison.Ordinal) => new("Flow loss in time bin " + last[1..], "", Better.Lower),
            "autoencoder" when metric.Contains(".noise", StringComparison.Ordinal) => WithNoise(metric),
            "autoencoder" when last.StartsWith("msssim", StringComparison.Ordinal) => new($"Reconstruction MS-SSIM ({last["msssim".Length..]} scales)", "", Better.Higher),
            _ when last is "loss" => new(metric, "", Better.Lower),
            _ when last is "psnr" => new(metric, "dB", Better.Higher),
            _ when last is "ssim" => new(metric, "", Better.Higher),
            _ => new(metric, "", Better.Unknown),
        };
    }

    /// <summary>Whether it is a result by itself, and not an end of an interval, a reference or a detail of another.</summary>
    public static bool IsResult(string metric) => metric.Split('.')[^1] is not ("low" or "high" or "error" or "floor" or "real" or "ratio" or "phase" or "drift" or "early" or "late");

    public string Format(double value) => Scale == 100 ? Percent(value) : Numbers.Format(value * Scale);

    /// <summary>A difference; of percentages in points.</summary>
    public string FormatDifference(double difference) => (difference > 0 ? "+" : "") + Difference(difference) + (Scale == 100 ? " points" : "");

    /// <summary>Its interval, or nothing.</summary>
    public string FormatInterval(Estimate difference) => difference is { Low: { } low, High: { } high } ? $"({Difference(low)} to {Difference(high)})" : "";

    /// <summary>A mean with half its interval, both with the same decimals.</summary>
    public string FormatMean(Estimate value)
    {
        if (value.HalfWidth is not { } half || half == 0)
        {
            return Format(value.Mean);
        }

        string mean = Scale == 100 ? Points(value.Mean) : Numbers.Format(value.Mean * Scale);
        int decimals = mean.Contains('e') || !mean.Contains('.') ? -1 : mean.Length - mean.IndexOf('.', StringComparison.Ordinal) - 1;
        string width = decimals < 0 ? Numbers.Format(half * Scale) : (half * Scale).ToString("F" + decimals, CultureInfo.InvariantCulture);
        return $"{mean} ± {width}{(Scale == 100 ? " %" : "")}";
    }

    private string Difference(double value) => Scale == 100 ? Points(value) : Numbers.Format(value * Scale);

    // autoencoder.psnr.noise0.5
    private static MetricName WithNoise(string metric)
    {
        int at = metric.IndexOf(".noise", StringComparison.Ordinal);
        MetricName clean = Of(metric[..at]);
        return clean with { Label = $"{clean.Label} with latent noise {metric[(at + ".noise".Length)..]}" };
    }

    private static string Percent(double value) => Points(value) + (double.IsFinite(value) ? " %" : "");

    private static string Points(double value) => double.IsFinite(value)
        ? (value * 100).ToString("0.0", CultureInfo.InvariantCulture).Replace('-', '−') : Numbers.Format(value);

    // noiseMedian: noise median
    private static string Words(string[] parts) =>
        string.Concat(string.Join(' ', parts).Select((c, i) => char.IsUpper(c) && i > 0 ? " " + char.ToLowerInvariant(c) : c.ToString()));

    private static string Capital(string words) => words.Length == 0 ? words : char.ToUpperInvariant(words[0]) + words[1..];
}
