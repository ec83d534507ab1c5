namespace NextStep.Research.Reports;

/// <summary>A figure of a run.</summary>
/// <param name="Topic">Where it stands in the report.</param>
/// <param name="Name">Unique in the run, of letters, digits, dots and dashes: the name of its file and its id on the page.</param>
/// <param name="Figure">The figure.</param>
internal sealed record RunFigure(FigureTopic Topic, string Name, Figure Figure)
{
    /// <summary>The arms that it is only about; empty: about all.</summary>
    public IReadOnlyList<int> OnlyArms { get; init; } = [];
}

/// <summary>What a figure is about, in the order of the report.</summary>
internal enum FigureTopic
{
    Numbers,
    Effects,
    Training,
    Flow,
    Artifacts,
    Latents,
    Verifier,
    Other,
}

/// <summary>All figures of a run.</summary>
internal static class RunFigures
{
    /// <summary>In the order of the report.</summary>
    public static IReadOnlyList<RunFigure> All(RunResults run)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        return
        [
            .. NumberFigures.Of(run).Concat(EffectFigures.Of(run)).Concat(LogFigures.Of(run)).Concat(CurveFigures.Of(run))
                .Where(f => f.Figure.Series.Count > 0 || f.Figure.Grid is not null)
                .Select(f => f with { Name = Unique(f.Name, names) })
                .OrderBy(f => f.Topic),
        ];
    }

    /// <summary>The topic of a curve by the first word of its name.</summary>
    public static FigureTopic TopicOf(string curve) => curve.Split('.')[0] switch
    {
        "flow" or "text" => FigureTopic.Flow,
        "artifacts" => FigureTopic.Artifacts,
        "latents" or "tokens" or "autoencoder" => FigureTopic.Latents,
        "verifier" or "alignment" or "edit" => FigureTopic.Verifier,
        _ => FigureTopic.Other,
    };

    // Names come from result files, and become names of files.
    private static string Unique(string name, HashSet<string> taken)
    {
        string plain = string.Concat(name.Take(80).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' ? c : '-')).Trim('.', '-');
        string unique = plain.Length > 0 ? plain : "figure";
        for (int i = 2; !taken.Add(unique); i++)
        {
            unique = $"{plain}-{i}";
        }

        return unique;
    }
}
