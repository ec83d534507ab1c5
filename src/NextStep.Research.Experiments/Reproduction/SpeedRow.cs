using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>A line of the speedrun's table.</summary>
/// <param name="Date">When its run ended; empty where nothing was run.</param>
/// <param name="Commit">Of the program that ran it, shortened.</param>
/// <param name="Change">The arm's name, <c>baseline</c> first.</param>
/// <param name="Seconds">Processor seconds to the target, mean over the seeds with its 95 % interval.</param>
/// <param name="Ratio">To the baseline of the same run: geometric mean over the seeds with its 95 % interval.</param>
internal sealed record SpeedRow(string Date, string Commit, string Change, string Seconds, string Ratio)
{
    /// <summary>What stands for the seconds where there are no numbers.</summary>
    public const string NotRun = "not run yet";

    private const string Metric = "alignment.seconds";

    /// <summary>The baseline of the newest record that has numbers, then a line a record.</summary>
    public static IReadOnlyList<SpeedRow> Of(IReadOnlyList<(SpeedRecord Record, ClaimResults? Kept)> records)
    {
        (SpeedRecord Record, ClaimResults? Kept) newest = records.LastOrDefault(r => r.Kept is not null);
        return [First(newest.Kept), .. records.Select(r => Row(r.Record.File.Name, r.Kept))];
    }

    /// <summary>The rows as a table in Markdown.</summary>
    /// <param name="rows">Of <see cref="Of"/>.</param>
    /// <param name="target">Share of right pictures.</param>
    public static string Markdown(IReadOnlyList<SpeedRow> rows, double target) => string.Join('\n',
    [
        $"| {string.Join(" | ", Heads(target))} |",
        "|---|---|---|---|---|",
        .. rows.Select(r => $"| {string.Join(" | ", r.Fields.Select(f => f.Replace("|", "\\|", StringComparison.Ordinal)))} |"),
    ]);

    /// <summary>The columns.</summary>
    public static string[] Heads(double target) =>
        ["date", "commit", "change", FormattableString.Invariant($"processor seconds to {100 * target:0.#} % (95 % over seeds)"), "ratio to the first line, same run"];

    /// <summary>In the order of <see cref="Heads"/>.</summary>
    public string[] Fields => [Date, Commit, Change, Seconds, Ratio];

    private static SpeedRow First(ClaimResults? kept) => Row(Arm.Baseline, kept) with { Ratio = kept is null ? "" : "1" };

    private static SpeedRow Row(string arm, ClaimResults? kept)
    {
        if (kept is null)
        {
            return new SpeedRow("", "", arm, NotRun, "");
        }
        ClaimCell[] cells = [.. kept.Cells.Where(c => c.Arm == arm).OrderBy(c => c.Seed)];
        int asked = cells.Length + kept.Failures.Count(f => f.Arm == arm);
        double[] seconds = [.. cells.Where(c => c.Metrics.ContainsKey(Metric)).Select(c => c.Metrics[Metric])];
        string commits = string.Join(", ", cells.Select(c => c.Commit.Split(',')[0]).Where(c => c.Length > 0).Select(c => c[..Math.Min(7, c.Length)]).Distinct());
        return new SpeedRow(kept.Date, commits, arm, TimeOf(seconds, asked), RatioOf(kept, arm, asked));
    }

    // A mean over those seeds alone that arrived would make a change look fast that often fails.
    private static string TimeOf(double[] seconds, int asked) => seconds.Length < asked || asked == 0
        ? FormattableString.Invariant($"not reached by {asked - seconds.Length} of {asked} seeds")
        : Interval(Estimate.Of(seconds)!, v => v, asked, "0");

    private static string RatioOf(ClaimResults kept, string arm, int asked)
    {
        Dictionary<long, double> first = kept.Cells.Where(c => c.Arm == Arm.Baseline && c.Metrics.ContainsKey(Metric)).ToDictionary(c => c.Seed, c => c.Metrics[Metric]);
        double[] logs = [.. kept.Cells.Where(c => c.Arm == arm && c.Metrics.ContainsKey(Metric) && first.ContainsKey(c.Seed)).Select(c => Math.Log(c.Metrics[Metric] / first[c.Seed]))];
        return logs.Length < asked || asked == 0 ? "" : Interval(Estimate.Of(logs)!, Math.Exp, asked, "0.00");
    }

    private static string Interval(Estimate of, Func<double, double> scale, int seeds, string format)
    {
        string Text(double value) => scale(value).ToString(format, CultureInfo.InvariantCulture);
        return of.HalfWidth is { } half ? $"{Text(of.Mean)} ({Text(of.Mean - half)} to {Text(of.Mean + half)}; {seeds} seeds)" : $"{Text(of.Mean)} (one seed)";
    }
}
