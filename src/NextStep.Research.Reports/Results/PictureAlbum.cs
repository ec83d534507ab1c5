namespace NextStep.Research.Reports;

/// <summary>The pictures that the page carries, small enough together.</summary>
/// <param name="Layout">Of the sample sheets; null where they are no sheets of ours, and are shown whole.</param>
/// <param name="Prompts">Of the sheets, by seed; the first <see cref="SheetLayout.Count"/> of them are shown.</param>
/// <param name="Pictures">By cell and role.</param>
/// <param name="Notes">What was left out for the size of the page, or is damaged.</param>
internal sealed record PictureAlbum(
    SheetLayout? Layout, IReadOnlyDictionary<long, IReadOnlyList<string>> Prompts, IReadOnlyDictionary<(string Cell, string Role), Picture> Pictures, IReadOnlyList<string> Notes)
{
    public const string Samples = "samples";
    public const string HeatMap = "heatmap.";

    /// <summary>Roles that some cell has, samples first, heat maps left out: they lie over the samples.</summary>
    public IReadOnlyList<string> Roles => [.. Pictures.Keys.Select(k => k.Role).Distinct().Where(r => !IsHeatMap(r)).OrderBy(r => r != Samples).ThenBy(r => r, StringComparer.Ordinal)];

    /// <summary>Heat maps that some cell has.</summary>
    public IReadOnlyList<string> HeatMaps => [.. Pictures.Keys.Select(k => k.Role).Distinct().Where(IsHeatMap).Order(StringComparer.Ordinal)];

    public static bool IsHeatMap(string role) => role.StartsWith(HeatMap, StringComparison.Ordinal);

    /// <summary>The picture of a cell, or null where it has none or it was left out.</summary>
    public Picture? Of(CellRun cell, string role) => Pictures.GetValueOrDefault((cell.Cell.Key, role));
}
