namespace NextStep.Research.Reports;

/// <summary>Chooses the arms that pictures and charts show. Without scripts all are shown.</summary>
internal static class ArmPicker
{
    private const int ChosenAtFirst = 6;

    public static Html Of(RunResults run) => run.Arms.Count < 2 ? Html.Empty : Html.Of($"""
        <details class="picker"{(run.Arms.Count <= ChosenAtFirst ? Html.Of($" open") : Html.Empty)}>
        <summary>Arms in charts and pictures <span id="picked" class="soft" aria-live="polite"></span></summary>
        <fieldset><legend class="hidden">Arms shown in charts and pictures</legend>
        {run.Arms.Select((a, i) => Html.Of($"<label><input type=\"checkbox\" name=\"arm\" value=\"{i}\"{(i < ChosenAtFirst ? Html.Of($" checked") : Html.Empty)}><i class=\"swatch\" style=\"--c:{FigureStyle.Colour(i)}\" aria-hidden=\"true\">{Glyph(i)}</i><bdi>{a.Name}</bdi></label>"))}
        {(run.Arms.Count > ChosenAtFirst ? Html.Of($"<button type=\"button\" data-pick=\"all\">All</button><button type=\"button\" data-pick=\"none\">Only the baseline</button>") : Html.Empty)}
        </fieldset></details>

        """);

    private static string Glyph(int arm) => FigureStyle.Marker(arm) switch
    {
        "square" => "■",
        "diamond" => "◆",
        "triangle-up" => "▲",
        "cross" => "✚",
        "x" => "✖",
        "star" => "★",
        _ => "●",
    };
}
