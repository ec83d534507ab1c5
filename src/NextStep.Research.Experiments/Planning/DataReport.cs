namespace NextStep.Research.Experiments;

/// <summary>What the arms with the same data read.</summary>
/// <param name="Arms">Their names.</param>
/// <param name="Train">The training side.</param>
/// <param name="HeldOut">The held-out side.</param>
/// <param name="Captions">Different captions of both sides together.</param>
internal sealed record ArmData(IReadOnlyList<string> Arms, SourceReport Train, SourceReport HeldOut, int Captions);

/// <summary>
/// What the sources of an experiment hold and what they did not use, by reason and name: <c>data.json</c> of a run folder. Made before anything is
/// trained, so that a split with an empty side is found then.
/// </summary>
/// <param name="Data">One for every different <c>data</c> node, that of the baseline first.</param>
internal sealed record DataReport(IReadOnlyList<ArmData> Data)
{
    /// <summary>Its name in a run folder.</summary>
    public const string FileName = "data.json";

    private static readonly string[] Paths = [.. ConfigPath.All.Where(p => p.StartsWith("data.", StringComparison.Ordinal))];

    /// <summary>Opens both splits of every different source.</summary>
    /// <exception cref="InvalidDataException">A folder is not there or cannot be read, or a side of the split is empty.</exception>
    public static DataReport Of(Experiment experiment)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        return Of(experiment.Arms.Select(a => (a.Name, a.Config with { Seed = experiment.Seeds[0] })));
    }

    /// <summary>The same of configurations by arm.</summary>
    public static DataReport Of(IEnumerable<(string Arm, ResearchConfig Config)> arms)
    {
        ArgumentNullException.ThrowIfNull(arms);
        return new DataReport([.. arms.GroupBy(a => string.Join('\n', Paths.Select(p => ConfigValue.Format(ConfigPath.Get(a.Config, p)))))
            .Select(g => Of(g.First().Config, [.. g.Select(a => a.Arm).Distinct()]))]);
    }

    /// <summary>The report of a run folder, or null where there is none.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static DataReport? Read(RunFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        DataReport? report = RunFolder.Read<DataReport>(Path.Combine(folder.Path, FileName));
        return report?.Data?.All(d => d is { Arms: not null, Train: { Unused: not null, Notes: not null }, HeldOut: { Unused: not null, Notes: not null } }) ?? true
            ? report
            : throw new InvalidDataException($"{Path.Combine(folder.Path, FileName)} is damaged: it does not say what was read");
    }

    /// <summary>Writes <see cref="FileName"/>.</summary>
    public void Write(RunFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        RunFolder.Write(Path.Combine(folder.Path, FileName), this);
    }

    /// <summary>Lines for people: a reason each, with its first names; empty where everything is used.</summary>
    public IReadOnlyList<string> Lines => [.. Data.SelectMany(d => d.Train.Lines().Concat(d.HeldOut.Lines())).Distinct()];

    private static ArmData Of(ResearchConfig config, IReadOnlyList<string> arms)
    {
        try
        {
            (IImageSource train, IImageSource heldOut) = ImageSources.OpenBoth(config.Data, config.Seed);
            using IDisposable first = train, second = heldOut;
            int captions = config.Data.Source == DataSource.Shapes ? 0 : Captions(train).Concat(Captions(heldOut)).Distinct().Count();
            ArmData data = new(arms, SourceReport.Of(train), SourceReport.Of(heldOut), captions);
            return train.Count > 0 && heldOut.Count > 0 ? data : throw new InvalidDataException(Empty(data, config.Data));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException(e.Message, e);
        }
    }

    private static IEnumerable<string> Captions(IImageSource source) => Enumerable.Range(0, source.Count).Select(source.Caption);

    private static string Empty(ArmData data, DataConfig config)
    {
        SourceReport empty = data.Train.Count == 0 ? data.Train : data.HeldOut;
        int all = data.Train.Count + data.HeldOut.Count, unused = empty.Unused.Sum(u => u.Names.Count);
        string why = config.HeldOut.Names.Count > 0 ? "data.heldOut.names takes all or none of them"
            : config.HeldOut.By == HeldOutBy.Caption && config.Source != DataSource.Emoji ? $"pictures with one caption stay on one side, and there are {data.Captions} different captions: set data.heldOut.by: picture, a larger data.heldOut.share, or data.heldOut.names"
            : "set a larger data.heldOut.share, or data.heldOut.names";
        return all == 0
            ? $"{empty.Source}: there are no pictures that can be used{(unused > 0 ? $": {SourceReport.Line(empty.Unused[0])}" : "")}."
            : $"{empty.Source}: this side of the split has no pictures. Of {all} {(all == 1 ? "picture" : "pictures")}, {why}.";
    }
}
