namespace NextStep.Research.Reports;

/// <summary>A panel of a tab list.</summary>
/// <param name="Id">Unique on the page.</param>
/// <param name="Title">On the tab.</param>
/// <param name="Content">The panel.</param>
internal sealed record Tab(string Id, string Title, Html Content);

/// <summary>Tabs as the ARIA authoring practices describe them; without scripts, and in print, all panels stand below each other.</summary>
internal static class Tabs
{
    public static Html Of(string label, IReadOnlyList<Tab> tabs) => tabs.Count == 1 ? tabs[0].Content : Html.Of($"""
        <div class="tabs" role="tablist" aria-label="{label}">{tabs.Select((t, i) => Html.Of($"<button type=\"button\" role=\"tab\" id=\"{t.Id}-tab\" aria-controls=\"{t.Id}\" aria-selected=\"{(i == 0 ? "true" : "false")}\"{(i == 0 ? Html.Empty : Html.Of($" tabindex=\"-1\""))}>{t.Title}</button>"))}</div>
        {tabs.Select(t => Html.Of($"<div role=\"tabpanel\" id=\"{t.Id}\" aria-labelledby=\"{t.Id}-tab\"><h3 class=\"panel-title\">{t.Title}</h3>{t.Content}</div>"))}
        """);
}
