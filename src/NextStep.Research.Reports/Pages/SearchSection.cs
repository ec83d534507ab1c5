namespace NextStep.Research.Reports;

/// <summary>How a search by halving chose: every arm with its places, those that were stopped among them.</summary>
internal static class SearchSection
{
    public static Html Of(RunResults run) => SearchRows.Of(run.Plan, run.Search) is not { } rows ? Html.Empty : Html.Of($"""
        <section id="search" aria-labelledby="search-title">
        <h2 id="search-title">How the arms were chosen</h2>
        <div class="scroll" role="region" aria-labelledby="search-title" tabindex="0"><table>
        <caption class="hidden">Mean of the ranking metric at every rung, the place in parentheses</caption>
        <thead><tr>{rows.Columns.Select(c => Html.Of($"<th scope=\"col\">{c}</th>"))}</tr></thead>
        <tbody>{rows.Rows.Select(r => Html.Of($"<tr><th scope=\"row\"><bdi>{r[0]}</bdi></th>{r.Skip(1).Select(t => Html.Of($"<td>{t}</td>"))}</tr>"))}</tbody>
        </table></div>
        <p class="small">{rows.Summary}</p>
        </section>

        """);
}
