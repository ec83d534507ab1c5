namespace NextStep.Research.Reports;

/// <summary>Gathers the lines of the arms: a mean over the seeds each, with a band; arms that share a trained stage share a line.</summary>
internal sealed class ArmLines(int mostPoints)
{
    private readonly List<FigureSeries> _series = [];

    public IReadOnlyList<FigureSeries> Series => _series;

    /// <summary>The series; where all of <paramref name="arms"/> arms share the only one, it says so.</summary>
    public IReadOnlyList<FigureSeries> Together(int arms) => _series is [{ } only] && arms > 1 && only.Arms.Count == arms ? [only with { Name = "all arms" }] : _series;

    /// <summary>Adds the line of an arm; nothing where no seed has one.</summary>
    /// <param name="name">In the legend.</param>
    /// <param name="arm">Its index.</param>
    /// <param name="seeds">One a seed.</param>
    /// <param name="dash">Where several lines of an arm stand in one figure: which one.</param>
    public void Add(string name, int arm, IReadOnlyList<LoggedCurve> seeds, int? dash = null)
    {
        if (seeds.Count == 0)
        {
            return;
        }

        FigureSeries line = OverSeeds(name, seeds) with { Arms = [arm], Dash = dash };
        int same = _series.FindIndex(s => s.Dash == dash && s.X.SequenceEqual(line.X) && s.Y.SequenceEqual(line.Y));
        if (same < 0)
        {
            _series.Add(line);
        }
        else
        {
            _series[same] = _series[same] with { Name = $"{_series[same].Name} = {name}", Arms = [.. _series[same].Arms, arm] };
        }
    }

    private FigureSeries OverSeeds(string name, IReadOnlyList<LoggedCurve> seeds)
    {
        var at = new SortedDictionary<double, List<double>>();
        foreach (LoggedCurve seed in seeds)
        {
            for (int i = 0; i < seed.Images.Count; i++)
            {
                if (!at.TryGetValue(seed.Images[i], out List<double>? values))
                {
                    at[seed.Images[i]] = values = [];
                }

                values.Add(seed.Values[i]);
            }
        }

        bool band = seeds.Count > 1;
        return new FigureSeries(name, Thin([.. at.Keys]), Thin([.. at.Values.Select(v => v.Average())]))
        {
            Low = band ? Thin([.. at.Values.Select(v => v.Min())]) : null,
            High = band ? Thin([.. at.Values.Select(v => v.Max())]) : null,
        };
    }

    // Means over equal groups: a long log would make a large page and a line of pure noise.
    private IReadOnlyList<double> Thin(IReadOnlyList<double> values)
    {
        int group = (values.Count + mostPoints - 1) / mostPoints;
        return group <= 1 ? values : [.. values.Chunk(group).Select(g => g.Average())];
    }
}
