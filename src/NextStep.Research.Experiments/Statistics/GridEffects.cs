namespace NextStep.Research.Experiments;

/// <summary>What one factor of a grid does, the others averaged over.</summary>
/// <param name="Factor">The axis's config path; axes that walk together are one factor, joined by <c> &amp; </c>.</param>
/// <param name="Levels">Its values.</param>
/// <param name="Effects">As many: the level's mean minus that of all levels.</param>
/// <param name="Test">That all effects are 0; null where it cannot be told.</param>
public sealed record MainEffect(string Factor, IReadOnlyList<string> Levels, IReadOnlyList<MeanTest> Effects, VarianceTest? Test);

/// <summary>How far two factors do more (or less) together than the sum of their main effects.</summary>
/// <param name="First">A factor.</param>
/// <param name="Second">Another.</param>
/// <param name="Effects">[levels of the first][levels of the second]; rows and columns sum to zero.</param>
/// <param name="Test">That all are 0; null where it cannot be told.</param>
public sealed record Interaction(string First, string Second, IReadOnlyList<IReadOnlyList<MeanTest>> Effects, VarianceTest? Test);

/// <summary>Main effects and two-way interactions of a full grid, over the seeds that have every point of it.</summary>
/// <param name="Seeds">How many.</param>
/// <param name="MainEffects">One a factor, in the order of the axes.</param>
/// <param name="Interactions">One a pair of factors.</param>
public sealed record GridEffects(int Seeds, IReadOnlyList<MainEffect> MainEffects, IReadOnlyList<Interaction> Interactions)
{
    /// <summary>Null where the arms are no full grid of at least one factor, or no seed has all of it.</summary>
    /// <param name="axes">Config paths.</param>
    /// <param name="points">The arms of the grid by their values on the axes.</param>
    /// <param name="bySeed">For every seed a value for every point.</param>
    /// <param name="order">The values of the axes in order; where an axis is absent, that of the points.</param>
    internal static GridEffects? Of(
        IReadOnlyList<string> axes, IReadOnlyList<IReadOnlyDictionary<string, string>> points, IReadOnlyList<IReadOnlyList<double>> bySeed,
        IReadOnlyDictionary<string, IReadOnlyList<string>>? order = null)
    {
        GridFactor[] factors = GridFactor.Find(axes, points, order ?? new Dictionary<string, IReadOnlyList<string>>());
        if (factors.Length == 0 || bySeed.Count == 0 || factors.Aggregate(1L, (n, f) => n * f.Levels.Count) != points.Count)
        {
            return null;
        }
        double size = bySeed.SelectMany(v => v).Max(Math.Abs);
        MainEffect[] main = [.. factors.Select(f => Main(f, bySeed, size))];
        IEnumerable<Interaction> interactions = factors.SelectMany((f, i) => factors.Skip(i + 1).Select(g => Two(f, g, bySeed, size)));
        return new GridEffects(bySeed.Count, main, [.. interactions]);
    }

    private static MainEffect Main(GridFactor factor, IReadOnlyList<IReadOnlyList<double>> bySeed, double size)
    {
        double[][] contrasts = [.. bySeed.Select(v => Centred(Means(v, factor.Level, factor.Levels.Count)))];
        return new MainEffect(factor.Name, factor.Levels, Tests(contrasts, size), VarianceTest.Of(contrasts, factor.Levels.Count - 1, size));
    }

    private static Interaction Two(GridFactor first, GridFactor second, IReadOnlyList<IReadOnlyList<double>> bySeed, double size)
    {
        int rows = first.Levels.Count, columns = second.Levels.Count;
        int[] level = [.. first.Level.Zip(second.Level, (i, j) => (i * columns) + j)];
        double[][] contrasts = [.. bySeed.Select(values =>
        {
            double[] both = Centred(Means(values, level, rows * columns));
            double[] row = Centred(Means(values, first.Level, rows)), column = Centred(Means(values, second.Level, columns));
            return both.Select((v, k) => v - row[k / columns] - column[k % columns]).ToArray();
        })];
        IReadOnlyList<IReadOnlyList<MeanTest>> effects = [.. Tests(contrasts, size).Chunk(columns)];
        return new Interaction(first.Name, second.Name, effects, VarianceTest.Of(contrasts, (rows - 1) * (columns - 1), size));
    }

    private static MeanTest[] Tests(double[][] contrasts, double size) =>
        [.. Enumerable.Range(0, contrasts[0].Length).Select(k => MeanTest.Of([.. contrasts.Select(c => c[k])], size)!)];

    private static double[] Means(IReadOnlyList<double> values, IReadOnlyList<int> level, int levels)
    {
        double[] sums = new double[levels];
        for (int i = 0; i < values.Count; i++)
        {
            sums[level[i]] += values[i];
        }
        return [.. sums.Select(s => s * levels / values.Count)];
    }

    private static double[] Centred(double[] means)
    {
        double mean = means.Average();
        return [.. means.Select(m => m - mean)];
    }
}

/// <summary>An axis of a grid, or several that walk together.</summary>
/// <param name="Name">The paths.</param>
/// <param name="Levels">The values in order.</param>
/// <param name="Level">Which level each point has.</param>
internal sealed record GridFactor(string Name, IReadOnlyList<string> Levels, IReadOnlyList<int> Level)
{
    /// <summary>Factors with two levels or more.</summary>
    public static GridFactor[] Find(IReadOnlyList<string> axes, IReadOnlyList<IReadOnlyDictionary<string, string>> points, IReadOnlyDictionary<string, IReadOnlyList<string>> order)
    {
        List<GridFactor> factors = [];
        foreach (string axis in axes.Where(a => points.All(p => p.ContainsKey(a))))
        {
            List<string> there = [.. points.Select(p => p[axis]).Distinct()];
            List<string> levels = order.TryGetValue(axis, out IReadOnlyList<string>? known) && there.All(known.Contains) ? [.. known.Where(there.Contains)] : there;
            GridFactor factor = new(axis, levels, [.. points.Select(p => levels.IndexOf(p[axis]))]);
            int twin = factors.FindIndex(f => f.Level.SequenceEqual(factor.Level));
            if (twin >= 0)
            {
                factors[twin] = factors[twin] with { Name = $"{factors[twin].Name} & {axis}", Levels = [.. factors[twin].Levels.Zip(levels, (a, b) => $"{a} & {b}")] };
            }
            else if (levels.Count > 1)
            {
                factors.Add(factor);
            }
        }
        return [.. factors];
    }
}
