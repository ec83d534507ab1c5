using System.Globalization;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>Arms against the baseline picture by picture: what each pair of trained models says, and over several seeds what training does.</summary>
internal static class PicturesTable
{
    private const int MostRows = 40;

    public static void Write(IReadOnlyList<PictureComparison> comparisons, string baseline, bool all)
    {
        if (comparisons.Count == 0)
        {
            return;
        }
        (PictureComparison Of, PictureTest Test)[] rows = [.. comparisons.SelectMany(c => c.Models.Select(t => (c, t)))];
        Table table = new Table().Border(TableBorder.Simple).AddColumns("pictures of", "arm", "seed", "prompts", "right only with the arm", $"only with {baseline}", "p", "Holm p", "these two trained models");
        foreach ((PictureComparison of, PictureTest test) in rows.Take(all ? int.MaxValue : MostRows))
        {
            table.AddRow(new[]
            {
                of.Metric, of.Arm, Whole(test.Seed), Whole(test.Pictures), Whole(test.OnlyArm), Whole(test.OnlyOther), ComparisonView.P(test.PValue), ComparisonView.P(test.AdjustedPValue),
                test.IsSignificant ? "differ" : "cannot be told apart",
            }.Select(t => new Text(t)));
        }
        AnsiConsole.Write(table);
        if (!all && rows.Length > MostRows)
        {
            AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture, $"… and {rows.Length - MostRows:#,0} more pairs of models; --all shows them"));
        }
        AnsiConsole.WriteLine("Both models of a row drew the same prompts from the same noise (exact McNemar test). A row is about the two models that were trained at this seed, not about training.");
        foreach (PictureComparison comparison in comparisons.Where(c => c.Training is not null).Take(all ? int.MaxValue : MostRows))
        {
            AnsiConsole.WriteLine(Training(comparison, baseline));
        }
        if (rows.All(r => r.Of.Training is null))
        {
            AnsiConsole.WriteLine("What training does stays open: that takes several seeds.");
        }
    }

    /// <summary>What training does, with the two variances, in a sentence.</summary>
    private static string Training(PictureComparison comparison, string baseline)
    {
        MixedDifference d = comparison.Training!;
        string more = d.SeedShare > 0.5 ? "more seeds would narrow it, more pictures would not" : "more pictures would narrow it as well as more seeds";
        return string.Create(CultureInfo.InvariantCulture,
            $"{comparison.Metric}, {comparison.Arm} against {baseline}, what training does (mixed model over {d.Seeds} seeds of {d.Pictures} pictures): {Points(d.Difference)}, 95 % interval {Points(d.Low)} to {Points(d.High)}, p = {ComparisonView.P(d.PValue)}; standard deviation between seeds {100 * d.SeedDeviation:0.0} points, between pictures {100 * d.PictureDeviation:0.0}; {more}");
    }

    private static string Points(double share) => $"{(share > 0 ? "+" : "")}{(100 * share).ToString("0.0", CultureInfo.InvariantCulture).Replace('-', '−')} points";

    private static string Whole(long number) => number.ToString(CultureInfo.InvariantCulture);
}
