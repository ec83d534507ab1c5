namespace NextStep.Research.Reports;

/// <summary>Curves over training and the flow loss by time.</summary>
internal static class TrainingSection
{
    public static Html Of(RunResults run)
    {
        IReadOnlyList<Figure> headline = RunFigures.Curves(run, headline: true);
        IReadOnlyList<Figure> more = RunFigures.Curves(run, headline: false);
        Figure? byTime = RunFigures.FlowLossByTime(run);
        if (headline.Count + more.Count == 0 && byTime is null)
        {
            return Html.Of($"<section id=\"training\"><h2>Training</h2><p>Nothing has been logged yet.</p></section>");
        }

        Figure[] first = [.. headline, .. byTime is null ? Array.Empty<Figure>() : [byTime]];
        return Html.Of($"""
            <section id="training" aria-labelledby="training-title">
            <h2 id="training-title">Training</h2>
            <p>Progress is counted in images seen. Arms differ by dash and marker as well as by colour; arms that share a trained stage share a line.</p>
            <div class="charts">{first.Select((f, i) => FigureHtml.Of(f, $"training-{i + 1}"))}</div>
            {(byTime is null ? Html.Empty : Html.Of($"<p class=\"small\">Flow loss by t is the mean over the last tenth of the log. The mean over t can stand still while single bins, and the pictures, still improve.</p>"))}
            {(more.Count == 0 ? Html.Empty : Html.Of($"<details><summary>More curves ({more.Count})</summary><div class=\"charts\">{more.Select((f, i) => FigureHtml.Of(f, $"more-{i + 1}"))}</div></details>"))}
            </section>

            """);
    }
}
