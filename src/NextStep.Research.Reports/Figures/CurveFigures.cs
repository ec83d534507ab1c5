using System.Globalization;
using System.Text.RegularExpressions;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>Figures of <c>curves.json</c>: what the stages measured along axes, whatever it is.</summary>
internal static partial class CurveFigures
{
    /// <summary>With more lines than this, an arm gets a figure of its own.</summary>
    private const int MostLinesTogether = 3;

    private const int MostArmsApart = 8;
    private const int MostLines = 20;
    private const int MostBands = 4;

    // In words, as FigureStyle.Dash orders them; as many as lines stand together.
    private static readonly string[] Dashes = ["Solid", "dashed", "dotted"];

    public static IEnumerable<RunFigure> Of(RunResults run)
    {
        RunFigure[] figures =
        [
            .. run.Cells.SelectMany(c => c.Curves.Keys).Distinct().GroupBy(Family).OrderBy(f => f.Key, StringComparer.Ordinal)
                .SelectMany(f => OfFamily(run, f.Key, [.. f.OrderBy(GuidanceOf).ThenBy(n => n, StringComparer.Ordinal)])),
        ];
        // The same quantity along two axes.
        string[] twice = [.. figures.GroupBy(f => f.Figure.Title).Where(g => g.Count() > 1).Select(g => g.Key)];
        return figures.Select(f => twice.Contains(f.Figure.Title) ? f with { Figure = f.Figure with { Title = $"{f.Figure.Title}, by {f.Figure.XLabel}" } } : f);
    }

    /// <summary>Curves that differ only by the guidance are one figure, as in the paper.</summary>
    private static string Family(string name) => GuidanceSuffix().Replace(name, "");

    [GeneratedRegex(@"\.?guidance[0-9.]+$", RegexOptions.CultureInvariant)]
    private static partial Regex GuidanceSuffix();

    private static double GuidanceOf(string name) => GuidanceSuffix().Match(name) is { Success: true } match
        && double.TryParse(match.Value.TrimStart('.')["guidance".Length..], NumberStyles.Float, CultureInfo.InvariantCulture, out double guidance) ? guidance : double.NegativeInfinity;

    private static IEnumerable<RunFigure> OfFamily(RunResults run, string family, string[] names)
    {
        (string Curve, string Line)[] lines =
        [
            .. names.SelectMany(name => run.Cells.SelectMany(c => c.Curves.TryGetValue(name, out Curve? curve) ? curve.Lines.Keys : []).Distinct().Select(line => (name, line))).Take(MostLines),
        ];
        Curve example = run.Cells.Select(c => c.Curves.GetValueOrDefault(names[0])).OfType<Curve>().First();
        FigureTopic topic = RunFigures.TopicOf(family);
        string title = names.Length > 1 ? $"{WithoutGuidance(example.Title)}, by guidance" : example.Title;
        if (run.Arms.Count == 1 || lines.Length <= MostLinesTogether)
        {
            yield return new RunFigure(topic, family, Draw(run, family, example, title, lines, Enumerable.Range(0, run.Arms.Count), apart: run.Arms.Count == 1));
            yield break;
        }

        // Too many arms for a figure each: the baseline stands for them.
        int arms = run.Arms.Count <= MostArmsApart ? run.Arms.Count : 1;
        (int Arm, Figure Figure)[] drawn = [.. Enumerable.Range(0, arms).Select(arm => (arm, Draw(run, family, example, title, lines, [arm], apart: true))).Where(d => d.Item2.Series.Count > 0)];
        // Arms that share the stage share the figure.
        foreach ((int Arm, Figure Figure)[] same in drawn.GroupBy(d => string.Join(';', d.Figure.Series.Select(s => string.Join(',', s.Y)))).Select(g => g.ToArray()))
        {
            bool all = same.Length == run.Arms.Count;
            string shown = string.Join(" = ", same.Select(s => run.Arms[s.Arm].Name));
            yield return new RunFigure(topic, $"{family}-{(all ? "all" : run.Arms[same[0].Arm].Name)}", same[0].Figure with
            {
                Title = all ? title : $"{title}: {shown}", Note = arms < run.Arms.Count ? "Only of the baseline; the other arms’ numbers are in their curves.json." : "",
            })
            { OnlyArms = all || arms < run.Arms.Count ? [] : [.. same.Select(s => s.Arm)] };
        }
    }

    private static Figure Draw(RunResults run, string family, Curve example, string title, (string Curve, string Line)[] lines, IEnumerable<int> arms, bool apart)
    {
        var drawn = new ArmLines(LogFigures.PointsPerLine(run));
        foreach (int arm in arms)
        {
            for (int line = 0; line < lines.Length; line++)
            {
                (string name, string key) = lines[line];
                LoggedCurve[] seeds =
                [
                    .. run.Of(run.Arms[arm].Name).Select(c => c.Curves.GetValueOrDefault(name)).OfType<Curve>().Where(c => c.Lines.ContainsKey(key)).Select(c => new LoggedCurve(c.X, c.Lines[key])),
                ];
                string words = Words(lines[line]);
                drawn.Add(apart ? words : lines.Length == 1 ? run.Arms[arm].Name : $"{run.Arms[arm].Name}, {words}", arm, seeds, lines.Length == 1 ? null : line);
            }
        }

        // In a figure of one arm the colours tell the lines apart; elsewhere the arms, and the dashes tell the lines.
        bool several = !apart && lines.Length > 1;
        IReadOnlyList<FigureSeries> series = apart ? [.. drawn.Series.Select((s, i) => Apart(s, i, drawn.Series.Count))]
            : several ? [.. drawn.Series.Select(s => s with { Legend = s.Dash == 0 ? s.Name.Replace($", {Words(lines[0])}", "", StringComparison.Ordinal) : "" })] : drawn.Together(run.Arms.Count);
        return new Figure(title, example.XTitle, example.YTitle, series)
        {
            Note = several ? string.Join("; ", lines.Select((line, i) => $"{Dashes[i]}: {Words(line)}")) + "." : "",
            Kind = family.EndsWith("histogram", StringComparison.Ordinal) ? FigureKind.Histogram : FigureKind.Lines,
        };
    }

    // The bands of many lines would hide each other.
    private static FigureSeries Apart(FigureSeries series, int place, int count) =>
        series with { Arms = [], Dash = place, Low = count > MostBands ? null : series.Low, High = count > MostBands ? null : series.High };

    private static string Words((string Curve, string Line) line) => Guidance(line.Curve) + line.Line;

    private static string Guidance(string name) => GuidanceSuffix().Match(name) is { Success: true } match
        ? $"guidance {match.Value.TrimStart('.')["guidance".Length..]}, " : "";

    private static string WithoutGuidance(string title) => GuidanceWords().Replace(title, "").Trim(' ', ',', ':');

    [GeneratedRegex(@",?\s*(at\s+|with\s+)?guidance\s*(scale\s*)?=?\s*[0-9.]+", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex GuidanceWords();
}
