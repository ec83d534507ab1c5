using System.Text.Json;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>Drawn pictures, reconstructions and other pictures, arms side by side at each seed.</summary>
internal static class PicturesSection
{
    public static Html Of(RunResults run)
    {
        PictureAlbum album = PictureChooser.Choose(run);
        string[] roles = [.. album.Roles.DefaultIfEmpty(PictureAlbum.Samples)];
        return Html.Of($"""
            {(album.Notes.Count == 0 ? Html.Empty : Html.Of($"<aside class=\"notes hint\" aria-label=\"Notes on the pictures\"><ul>{album.Notes.Select(n => Html.Of($"<li>{n}</li>"))}</ul></aside>"))}
            {roles.Select(r => Role(run, album, r))}
            """);
    }

    private static Html Role(RunResults run, PictureAlbum album, string role)
    {
        bool samples = role == PictureAlbum.Samples;
        string id = "pictures-" + string.Concat(role.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-'));
        string title = role switch { PictureAlbum.Samples => "Drawn pictures", "reconstructions" => "Reconstructions", _ => role };
        string explanation = role switch
        {
            PictureAlbum.Samples => "Same prompts, same seeds, same starting noise in every arm. Select a picture to see it large in all arms.",
            "reconstructions" => "Held-out originals above, the autoencoder’s reconstructions below. Select one to enlarge it.",
            _ => "Select a picture to enlarge it.",
        };
        long[] seeds = [.. run.Cells.Where(c => album.Of(c, role) is not null).Select(c => c.Seed).Distinct().Order()];
        if (seeds.Length == 0)
        {
            return Html.Of($"<section id=\"{id}\"><h2>{title}</h2><p class=\"missing\">No finished cell has any.</p></section>");
        }

        SheetLayout? layout = samples ? album.Layout : null;
        Html sheets = Html.Join(seeds.Select(s => Html.Of($"""
            <div class="seed" data-seed="{s}"><h3>Seed {s}</h3>{Seed(run, album, role, s, layout)}</div>

            """)));
        return Html.Of($"""
            <section id="{id}" class="album" aria-labelledby="{id}-title"{Data(layout)}>
            <h2 id="{id}-title">{title}</h2>
            <p>{explanation}</p>
            <div class="controls">{Choice(id + "-seed", "Seed", [.. seeds.Select(s => (s.ToString(System.Globalization.CultureInfo.InvariantCulture), $"{s}"))])}{(layout is null ? Html.Empty : Overlays(run, album, id))}</div>
            {(layout is null || album.HeatMaps.Count == 0 ? Html.Empty : Html.Of($"<p class=\"small\">Heat maps lie over the darkened picture: the brighter, the more of the artifact, on one scale in all arms.</p>"))}
            {(layout is null ? sheets : Tabs.Of("Order of the pictures", [new Tab(id + "-by-prompt", "By prompt", Html.Of($"<div class=\"by-prompt\"></div>")), new Tab(id + "-by-arm", "By arm", sheets)]))}
            {(layout is null ? Html.Empty : Html.Of($"<script type=\"application/json\" class=\"prompts-data\">{PromptsJson(album)}</script>"))}
            {(samples ? PromptLists(album, layout) : Html.Empty)}
            </section>

            """);
    }

    private static Html Data(SheetLayout? layout) => layout is null ? Html.Empty
        : Html.Of($" data-count=\"{layout.Count}\" data-columns=\"{layout.Columns}\" data-width=\"{layout.TileWidth}\" data-height=\"{layout.TileHeight}\" data-gap=\"{SheetLayout.Gap}\"");

    private static Html Overlays(RunResults run, PictureAlbum album, string id) => Choice(id + "-show", "Show",
    [
        ("plain", "Pictures"),
        .. run.Arms.Count > 1 ? new[] { ("difference", "Difference to the baseline, doubled") } : [],
        .. album.HeatMaps.Select(h => (h, "Heat map: " + h[PictureAlbum.HeatMap.Length..])),
    ]);

    private static Html Choice(string name, string legend, IReadOnlyList<(string Value, string Label)> choices) => choices.Count < 2 ? Html.Empty : Html.Of($"""
        <fieldset class="choice"><legend>{legend}</legend>{choices.Select((c, i) => Html.Of($"<label><input type=\"radio\" name=\"{name}\" value=\"{c.Value}\"{(i == 0 ? Html.Of($" checked") : Html.Empty)}><span>{c.Label}</span></label>"))}</fieldset>
        """);

    private static Html Seed(RunResults run, PictureAlbum album, string role, long seed, SheetLayout? layout)
    {
        var pictures = new List<(List<int> Arms, Picture? Picture, CellRun Cell)>();
        for (int arm = 0; arm < run.Arms.Count; arm++)
        {
            foreach (CellRun cell in run.Of(run.Arms[arm].Name).Where(c => c.Seed == seed))
            {
                Picture? picture = album.Of(cell, role);
                // Arms that share a trained stage have the same picture; it is shown once under all their names.
                int same = picture is null || layout is not null ? -1 : pictures.FindIndex(p => p.Picture is { } other && other.Id == picture.Id);
                if (same < 0)
                {
                    pictures.Add(([arm], picture, cell));
                }
                else
                {
                    pictures[same].Arms.Add(arm);
                }
            }
        }

        return Html.Of($"<div class=\"pictures\">{pictures.Select(p => One(run, album, p.Arms, p.Picture, p.Cell, role, layout))}</div>");
    }

    private static Html One(RunResults run, PictureAlbum album, List<int> arms, Picture? picture, CellRun cell, string role, SheetLayout? layout)
    {
        string names = arms.Count > 1 && arms.Count == run.Arms.Count ? "all arms" : string.Join(" = ", arms.Select(a => run.Arms[a].Name));
        string indices = string.Join(' ', arms);
        if (picture is null)
        {
            string why = cell.State switch
            {
                CellState.Failed => "The cell failed.",
                CellState.Stopped => "The search stopped the cell.",
                CellState.Done => cell.Result!.Pictures.ContainsKey(role) ? "The picture could not be shown; see the notes." : "The cell left none.",
                _ => "The cell is not finished.",
            };
            return Html.Of($"<figure class=\"picture\" data-arms=\"{indices}\"><figcaption><bdi>{names}</bdi></figcaption><p class=\"missing\">{why}</p></figure>");
        }

        // Whole multiples of the pixels, so that enlarged pixels stay square and equal.
        int scale = Math.Max(1, (int)Math.Round(520.0 / picture.Width));
        string alternative = role switch
        {
            PictureAlbum.Samples => $"Pictures drawn by {names}, seed {cell.Seed}, for: {LongText.Short(string.Join(", ", cell.Result!.Prompts.Distinct().Take(12)))}",
            "reconstructions" => $"Originals above their reconstructions by {names}, seed {cell.Seed}",
            _ => $"{role} of {names}, seed {cell.Seed}",
        };
        Html heat = layout is null ? Html.Empty : Html.Join(album.HeatMaps.Select(h => album.Of(cell, h) is { } map
            ? Html.Of($"<img class=\"heat\" data-role=\"{h}\" src=\"{map.DataUri}\" alt=\"Heat map of {h[PictureAlbum.HeatMap.Length..]} over the pictures of {names}, seed {cell.Seed}\" hidden>") : Html.Empty));
        return Html.Of($"""
            <figure class="picture" data-arms="{indices}"><figcaption><bdi>{names}</bdi></figcaption>
            <button type="button" class="zoom" aria-label="Enlarge: {names}, seed {cell.Seed}"><img class="sheet" src="{picture.DataUri}" width="{picture.Width * scale}" height="{picture.Height * scale}" alt="{alternative}"></button>{heat}</figure>

            """);
    }

    // Inside of a script element: "<" as an escape, as with the charts.
    private static Html PromptsJson(PictureAlbum album) => new(JsonSerializer.Serialize(
        album.Prompts.ToDictionary(p => p.Key, p => p.Value.Take(album.Layout!.Count).Select(LongText.Short))).Replace("<", "\\u003c", StringComparison.Ordinal));

    private static Html PromptLists(PictureAlbum album, SheetLayout? layout)
    {
        (long Seed, string[] Prompts)[] lists = [.. album.Prompts.OrderBy(p => p.Key).Select(p => (p.Key, p.Value.Take(layout?.Count ?? p.Value.Count).ToArray())).Where(p => p.Item2.Length > 0)];
        bool same = lists.All(l => l.Prompts.SequenceEqual(lists[0].Prompts));
        return lists.Length == 0 ? Html.Empty : Html.Of($"""
            <details><summary>Prompts, in reading order of each sheet</summary>{(same ? List(lists[0].Prompts) : Html.Join(lists.Select(l => Html.Of($"<h4>Seed {l.Seed}</h4>{List(l.Prompts)}"))))}</details>
            """);
    }

    private static Html List(IReadOnlyList<string> prompts)
    {
        var runs = new List<(string Prompt, int Count)>();
        foreach (string prompt in prompts)
        {
            if (runs.Count > 0 && runs[^1].Prompt == prompt)
            {
                runs[^1] = (prompt, runs[^1].Count + 1);
            }
            else
            {
                runs.Add((prompt, 1));
            }
        }

        return Html.Of($"<ol class=\"prompts\">{runs.Select(r => Html.Of($"<li>{LongText.Of(r.Prompt)}{(r.Count > 1 ? $" ×{r.Count}" : "")}</li>"))}</ol>");
    }
}
