using System.Globalization;
using System.Text;
using System.Text.Json;

namespace NextStep.Research.Cli;

/// <summary>What <c>bench</c> prints of its rows.</summary>
internal static class BenchTable
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The table of the README.</summary>
    public static string Markdown(IReadOnlyList<BenchRow> rows)
    {
        StringBuilder text = new("| work | time | against | result | sought | |\n|---|---|---|---|---|---|\n");
        foreach (BenchRow row in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {row.Work} | {Time(row.Milliseconds)} | {row.Against} | **{row.Value}** | {Sought(row)} | {Extra(row)} |\n");
        }
        return text.ToString();
    }

    /// <summary>All numbers.</summary>
    public static string Json(IReadOnlyList<BenchRow> rows) => JsonSerializer.Serialize(
        rows.Select(r => new
        {
            @case = r.Case,
            work = r.Work,
            milliseconds = r.Milliseconds,
            against = r.Against,
            result = double.IsNaN(r.Value.Number) ? (double?)null : r.Value.Number,
            target = r.Target?.Number,
            met = r.Met,
            details = r.Details,
        }),
        Indented);

    /// <summary>For people: a line for the result, then its details.</summary>
    public static string Lines(BenchRow row)
    {
        string details = string.Join(", ", row.Details.Select(d => string.Create(CultureInfo.InvariantCulture, $"{d.Key} {d.Value:G4}")));
        return $"{row.Case,-16} {row.Work}: {Time(row.Milliseconds)}, {row.Value} against {row.Against}{(row.Target is null ? "" : $" (sought: {Sought(row)}; {row.Verdict})")}\n{"",-16} {details}";
    }

    private static string Sought(BenchRow row) => row.Target is null ? "" : (row.Target.Kind == BenchKind.ShareAtMost ? "≤ " : "≥ ") + row.Target;

    private static string Time(double milliseconds) =>
        milliseconds < 1000 ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds:G3} ms") : string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:F2} s");

    private static string Extra(BenchRow row)
    {
        List<string> parts = [];
        Add("boundShare", v => $"{v:P0} of the bytes bound");
        Add("achievedGBs", v => $"{v:F0} GB/s");
        Add("readGBs", v => $"plain read {v:F0} GB/s");
        Add("transformerMsPerToken", v => $"a token: transformer {v:F1} ms");
        Add("projectorMsPerToken", v => $"projector {v:F1}");
        Add("headMsPerToken", v => $"head {v:F1}");
        Add("restMsPerToken", v => $"rest {v:F1}");
        Add("decoderMs", v => $"decoder {v:F0} ms a picture");
        Add("speedup", v => $"op by op {v:F1}× slower");
        Add("tokensPerSecond", v => $"{v:F0} tokens/s");
        Add("imagesPerSecond", v => $"{v:F1} images/s");
        Add("productsGFLOPs", v => $"products {v:F0} GFLOP/s");
        Add("plainGFLOPs", v => $"plain {v:F0}");
        Add("peakGFLOPs", v => $"peak {v:F0}");
        Add("bf16ImagesPerSecond", v => $"bf16 {v:F1} images/s");
        return string.Join(", ", parts);

        void Add(string name, Func<double, FormattableString> say)
        {
            if (row.Details.TryGetValue(name, out double value))
            {
                parts.Add(FormattableString.Invariant(say(value)).Replace(" %", " %", StringComparison.Ordinal));
            }
        }
    }
}
