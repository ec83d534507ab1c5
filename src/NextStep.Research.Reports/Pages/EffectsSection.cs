namespace NextStep.Research.Reports;

/// <summary>What the axes of the experiment do: courses, main effects, interactions.</summary>
internal static class EffectsSection
{
    public static Html Of(RunResults run, IReadOnlyList<RunFigure> figures)
    {
        RunFigure[] effects = [.. figures.Where(f => f.Topic == FigureTopic.Effects)];
        return effects.Length == 0 ? Html.Empty : Html.Of($"""
            <section id="effects" aria-labelledby="effects-title">
            <h2 id="effects-title">{(run.Plan.Axes.Count == 1 ? "Along the axis" : "Main effects and interactions")}</h2>
            <div class="charts">{effects.Select(FigureHtml.Of)}</div>
            </section>

            """);
    }
}
