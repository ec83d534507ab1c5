using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>Sample grids and reconstructions, arms side by side at each seed.</summary>
internal static class PicturesSection
{
    private const int LongestPrompt = 300;
    private const int OpenSeeds = 2;

    public static Html Of(RunResults run) => Html.Of($"""
        {Role(run, "samples", "Drawn pictures", "Same prompts, same seeds, same starting noise in every arm.", Prompts(run))}
        {Role(run, "reconstructions", "Reconstructions", "Held-out originals above, the autoencoder’s reconstructions below.", Html.Empty)}
        """);

    private static Html Role(RunResults run, string role, string title, string explanation, Html after)
    {
        long[] seeds = [.. run.Cells.Where(c => c.State == CellState.Done).Select(c => c.Seed).Distinct().Order()];
        if (!run.Cells.Any(c => c.Pictures.ContainsKey(role)))
        {
            return Html.Of($"<section id=\"{role}\"><h2>{title}</h2><p>No finished cell has any.</p></section>");
        }

        return Html.Of($"""
            <section id="{role}" aria-labelledby="{role}-title">
            <h2 id="{role}-title">{title}</h2>
            <p>{explanation} Select a picture to enlarge it.</p>
            {seeds.Select((seed, i) => seeds.Length == 1 ? Seed(run, role, seed) : Html.Of($"""
                <details{(i < OpenSeeds ? Html.Of($" open") : Html.Empty)}><summary>Seed {seed}</summary>
                {Seed(run, role, seed)}</details>
                """))}
            {after}
            </section>

            """);
    }

    private static Html Seed(RunResults run, string role, long seed)
    {
        var pictures = new List<(string Arms, Picture? Picture, CellRun Cell)>();
        foreach (CellRun cell in run.Arms.SelectMany(a => run.Of(a.Name)).Where(c => c.Seed == seed))
        {
            Picture? picture = cell.Pictures.GetValueOrDefault(role);
            // Arms that share a trained stage have the same picture; it is shown once under all their names.
            int same = picture is null ? -1 : pictures.FindIndex(p => p.Picture is { } other && other.Bytes.AsSpan().SequenceEqual(picture.Bytes));
            if (same < 0)
            {
                pictures.Add((cell.Arm, picture, cell));
            }
            else
            {
                pictures[same] = pictures[same] with { Arms = $"{pictures[same].Arms} = {cell.Arm}" };
            }
        }

        return Html.Of($"<div class=\"{(pictures.Count > 3 ? "pictures many" : "pictures")}\">{pictures.Select(p => One(p.Arms, p.Picture, p.Cell, role))}</div>");
    }

    private static Html One(string arms, Picture? picture, CellRun cell, string role)
    {
        if (picture is null)
        {
            string why = cell.State switch
            {
                CellState.Failed => "The cell failed.",
                CellState.Waiting => "The cell is not finished.",
                _ => "The picture could not be read.",
            };
            return Html.Of($"<figure class=\"picture\"><figcaption><bdi>{arms}</bdi></figcaption><p class=\"missing\">{why}</p></figure>");
        }

        // Whole multiples of the pixels, so that enlarged pixels stay square and equal.
        int scale = Math.Max(1, (int)Math.Round(480.0 / picture.Width));
        string alternative = role == "samples"
            ? $"Pictures drawn by {arms}, seed {cell.Seed}, for: {Short(string.Join(", ", cell.Result!.Prompts.Distinct().Take(12)))}"
            : $"Originals above their reconstructions by {arms}, seed {cell.Seed}";
        return Html.Of($"""
            <figure class="picture"><figcaption><bdi>{arms}</bdi></figcaption>
            <button type="button" class="zoom" aria-label="Enlarge: {arms}, seed {cell.Seed}"><img src="{picture.DataUri}" width="{picture.Width * scale}" height="{picture.Height * scale}" alt="{alternative}"></button></figure>

            """);
    }

    private static Html Prompts(RunResults run)
    {
        (string Arm, IReadOnlyList<string> Prompts)[] lists = [.. run.Cells.Where(c => c.Result is { Prompts.Count: > 0 }).Select(c => (c.Arm, c.Result!.Prompts))];
        if (lists.Length == 0)
        {
            return Html.Empty;
        }

        bool same = lists.All(l => l.Prompts.SequenceEqual(lists[0].Prompts));
        return same
            ? Html.Of($"<h3>Prompts, in reading order of each grid</h3>{List(lists[0].Prompts)}")
            : Html.Join(lists.DistinctBy(l => l.Arm).Select(l => Html.Of($"<h3>Prompts of {l.Arm}, in reading order of its grid</h3>{List(l.Prompts)}")));
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

        return Html.Of($"<ol class=\"prompts\">{runs.Select(r => Html.Of($"<li><bdi>{Short(r.Prompt)}</bdi>{(r.Count > 1 ? $" ×{r.Count}" : "")}</li>"))}</ol>");
    }

    private static string Short(string text)
    {
        if (text.Length <= LongestPrompt)
        {
            return text;
        }

        int end = char.IsHighSurrogate(text[LongestPrompt - 1]) ? LongestPrompt - 1 : LongestPrompt;
        return $"{text[..end]}… ({text.Length} characters)";
    }
}
