namespace NextStep.Research.Reports;

/// <summary>Curves over training and what the stages measured along axes, a tab for each topic.</summary>
internal static class MeasurementsSection
{
    private const int Open = 6;

    public static Html Of(IReadOnlyList<RunFigure> figures)
    {
        Tab[] tabs =
        [
            .. figures.Where(f => f.Topic > FigureTopic.Effects).GroupBy(f => f.Topic)
                .Select(g => new Tab("topic-" + g.Key.ToString().ToLowerInvariant(), TitleOf(g.Key), Panel(g.Key, [.. g]))),
        ];
        return Html.Of($"""
            <section id="measurements" aria-labelledby="measurements-title">
            <h2 id="measurements-title">Training and measurements</h2>
            {(tabs.Length == 0 ? Html.Of($"<p>Nothing has been logged or measured yet.</p>") : Html.Of($"<p>Lines are means over seeds, bands run from the lowest to the highest seed. Arms differ by marker and dash as well as by colour; arms that share a trained stage share a line.</p>{Tabs.Of("Topics", tabs)}"))}
            </section>

            """);
    }

    private static string TitleOf(FigureTopic topic) => topic switch
    {
        FigureTopic.Flow => "Flow loss",
        FigureTopic.Verifier => "Verifier",
        _ => topic.ToString(),
    };

    private static Html Panel(FigureTopic topic, RunFigure[] figures) => Html.Of($"""
        <p>{Explanation(topic)}</p>
        <div class="charts">{figures.Take(Open).Select(FigureHtml.Of)}</div>
        {(figures.Length > Open ? Html.Of($"<details><summary>{figures.Length - Open} more figures</summary><div class=\"charts\">{figures.Skip(Open).Select(FigureHtml.Of)}</div></details>") : Html.Empty)}
        """);

    private static string Explanation(FigureTopic topic) => topic switch
    {
        FigureTopic.Training => "Progress is counted in images seen.",
        FigureTopic.Flow => "The loss of the flow head on held-out pictures: by the time t of the flow, and by the token’s position in the raster order, along which a model’s own errors add up.",
        FigureTopic.Artifacts => "The failures that the paper shows, measured: each detector by the position of the token, of drawn and of real pictures.",
        FigureTopic.Latents => "How healthy the latent space is: its statistics, how much noise the decoder bears, and what guidance does to the tokens along the sequence.",
        FigureTopic.Verifier => "How far the judge itself can be trusted on damaged pictures.",
        _ => "Other curves that the stages left.",
    };
}
