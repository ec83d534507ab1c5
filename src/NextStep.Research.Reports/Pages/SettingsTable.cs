using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>The settings in which the arms differ.</summary>
internal static class SettingsTable
{
    public static Html Of(RunResults run)
    {
        string[] paths = [.. run.Arms.SelectMany(a => a.Settings.Keys).Distinct().Order(StringComparer.Ordinal)];
        if (paths.Length == 0 || run.Arms.Count < 2)
        {
            return Html.Empty;
        }

        IReadOnlyDictionary<string, string> baseline = run.Arms[0].Settings;
        return Html.Of($"""
            <section id="settings" aria-labelledby="settings-title">
            <h2 id="settings-title">What the arms change</h2>
            <div class="scroll" role="region" aria-labelledby="settings-title" tabindex="0"><table>
            <caption class="hidden">Settings in which the arms differ; bold where an arm leaves the baseline</caption>
            <thead><tr><th scope="col">Arm</th>{paths.Select(p => Html.Of($"<th scope=\"col\"><code>{p}</code></th>"))}</tr></thead>
            <tbody>{run.Arms.Select(arm => Html.Of($"<tr><th scope=\"row\"><bdi>{arm.Name}</bdi></th>{paths.Select(p => Setting(arm.Settings.GetValueOrDefault(p), baseline.GetValueOrDefault(p)))}</tr>"))}</tbody>
            </table></div>
            <p class="small">Bold: changed from the baseline. Everything else is the same in all arms.</p>
            </section>

            """);
    }

    private static Html Setting(string? value, string? baseline) => value == baseline
        ? Html.Of($"<td>{value ?? "default"}</td>") : Html.Of($"<td><strong>{value ?? "default"}</strong></td>");
}
