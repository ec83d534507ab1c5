namespace NextStep.Research.Reports;

/// <summary>The pictures that the page carries, small enough together.</summary>
/// <param name="Layout">Of the sample sheets; null where they are no sheets of ours, and are shown whole.</param>
/// <param name="Prompts">Of the sheets, by seed; the first <see cref="SheetLayout.Count"/> of them are shown.</param>
/// <param name="Notes">What was left out for the size of the page, or is damaged.</param>
internal sealed record PictureAlbum(SheetLayout? Layout, IReadOnlyDictionary<long, IReadOnlyList<string>> Prompts, IReadOnlyList<string> Notes)
{
    public const string Samples = "samples";
    public const string HeatMap = "heatmap.";

    private const int SmallestRoom = 4_500_000;
    private const int LargestRoom = 9_500_000;
    private const int RoomPerCell = 200_000;

    private readonly Dictionary<(CellRun Cell, string Role), Picture> _pictures = [];

    /// <summary>The picture of a cell, or null where it has none or it was left out.</summary>
    public Picture? Of(CellRun cell, string role) => _pictures.GetValueOrDefault((cell, role));

    /// <summary>Roles that some cell has, samples first, heat maps left out: they lie over the samples.</summary>
    public IReadOnlyList<string> Roles => [.. _pictures.Keys.Select(k => k.Role).Distinct().Where(r => !r.StartsWith(HeatMap, StringComparison.Ordinal)).OrderBy(r => r != Samples).ThenBy(r => r, StringComparer.Ordinal)];

    /// <summary>Heat maps that some cell has.</summary>
    public IReadOnlyList<string> HeatMaps => [.. _pictures.Keys.Select(k => k.Role).Distinct().Where(r => r.StartsWith(HeatMap, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>Chooses and shrinks the pictures of a run, about 40 kB a cell and at most 9.5 MB in all.</summary>
    public static PictureAlbum Of(RunResults run)
    {
        var notes = new List<string>();
        int room = (int)Math.Clamp((long)run.Cells.Count * RoomPerCell, SmallestRoom, LargestRoom);
        CellRun[] sheets = [.. run.Cells.Where(c => c.Pictures.TryGetValue(Samples, out Picture? p) && Readable(c, Samples, p.Checked, notes) is not null)];
        // All arms draw the same prompts at a seed; other seeds may have others.
        var prompts = sheets.GroupBy(c => c.Seed).ToDictionary(g => g.Key, g => g.First().Result!.Prompts);
        SheetLayout? layout = sheets.Length == 0 ? null : PackedSheets.LayoutOf(sheets[0].Pictures[Samples], sheets[0].Result!.Prompts.Count);
        Dictionary<(CellRun, string), Picture> samples = Sheets(sheets, ref layout, prompts, room * 6 / 10, notes);
        var album = new PictureAlbum(layout, prompts, notes);
        foreach (((CellRun, string) key, Picture picture) in samples)
        {
            album._pictures[key] = picture;
        }

        int left = room - samples.Values.Sum(p => p.Bytes.Length);
        left = album.Add(run, r => r != Samples && !r.StartsWith(HeatMap, StringComparison.Ordinal), left, notes);
        if (layout is not null)
        {
            album.Add(run, r => r.StartsWith(HeatMap, StringComparison.Ordinal), left, notes);
        }

        return album;
    }

    private static Dictionary<(CellRun, string), Picture> Sheets(CellRun[] cells, ref SheetLayout? layout, Dictionary<long, IReadOnlyList<string>> prompts, int room, List<string> notes)
    {
        if (layout is not { } whole)
        {
            return Whole(cells, room, notes);
        }

        // Sheets of one run are about equally large; the first tells how many prompts there is room for.
        int drawn = whole.Count;
        Picture probe = PackedSheets.Pack(cells[0].Pictures[Samples], drawn, whole)!;
        long wanted = (long)probe.Bytes.Length * cells.Length;
        if (wanted > room)
        {
            int count = Math.Clamp((int)(drawn * 0.95 * room / wanted), 1, drawn);
            layout = whole with { Count = count, Columns = Math.Min(whole.Columns, count) };
            notes.Add($"The page shows the first {count} of {drawn} pictures of each cell, to stay small; the whole sheets are cells/…/samples.png.");
        }

        var packed = new Dictionary<(CellRun, string), Picture>();
        int other = 0;
        foreach (CellRun cell in cells)
        {
            Picture? sheet = cell.Result!.Prompts.Count == drawn && cell.Result.Prompts.SequenceEqual(prompts[cell.Seed]) ? PackedSheets.Pack(cell.Pictures[Samples], drawn, layout) : null;
            other += sheet is null ? 1 : 0;
            if (sheet is not null)
            {
                packed[(cell, Samples)] = sheet;
            }
        }

        if (other > 0)
        {
            notes.Add($"{other} sample sheet(s) have other prompts or another size than the first of their seed, so they cannot stand beside it; they are cells/…/samples.png.");
        }

        return packed;
    }

    private static Dictionary<(CellRun, string), Picture> Whole(CellRun[] cells, int room, List<string> notes)
    {
        var kept = new Dictionary<(CellRun, string), Picture>();
        foreach (CellRun cell in cells)
        {
            if (kept.Values.Sum(p => p.Bytes.Length) + cell.Pictures[Samples].Bytes.Length <= room)
            {
                kept[(cell, Samples)] = cell.Pictures[Samples];
            }
        }

        if (kept.Count < cells.Length)
        {
            notes.Add($"The page shows {kept.Count} of {cells.Length} sample sheets, to stay small; the others are cells/…/samples.png.");
        }

        return kept;
    }

    // Whole seeds as long as there is room: a picture without its counterparts says little.
    private int Add(RunResults run, Func<string, bool> wanted, int room, List<string> notes)
    {
        var leftOut = new SortedSet<string>(StringComparer.Ordinal);
        foreach (IGrouping<(string Role, long Seed), (CellRun Cell, string Role, Picture Picture)> group in run.Cells
            .SelectMany(c => c.Pictures.Where(p => wanted(p.Key)).Select(p => (Cell: c, Role: p.Key, Picture: p.Value)))
            .GroupBy(p => (p.Role, p.Cell.Seed)).OrderBy(g => g.Key.Seed).ThenBy(g => g.Key.Role, StringComparer.Ordinal))
        {
            // Packed sheets have about half the bytes; no need to pack what cannot fit.
            bool hopeless = group.Sum(p => p.Picture.Bytes.Length) / 4 > room;
            (CellRun Cell, Picture Picture)[] pictures = hopeless ? [] : [.. Ready(group, notes)];
            int size = pictures.Select(p => p.Picture.Bytes).DistinctBy(Convert.ToHexString).Sum(b => b.Length);
            if (hopeless || size > room)
            {
                leftOut.Add($"{group.Key.Role} of seed {group.Key.Seed}");
                continue;
            }

            room -= size;
            foreach ((CellRun cell, Picture picture) in pictures)
            {
                _pictures[(cell, group.Key.Role)] = picture;
            }
        }

        if (leftOut.Count > 0)
        {
            notes.Add($"Left out to keep the page small: {string.Join(", ", leftOut)}; the pictures lie in cells/….");
        }

        return room;
    }

    // Arms that share a stage have the same file; it is looked at once.
    private IEnumerable<(CellRun Cell, Picture Picture)> Ready(IEnumerable<(CellRun Cell, string Role, Picture Picture)> pictures, List<string> notes)
    {
        foreach (var same in pictures.GroupBy(p => Convert.ToHexString(p.Picture.Bytes)))
        {
            (CellRun cell, string role, Picture picture) = same.First();
            if (Readable(cell, role, () => role.StartsWith(HeatMap, StringComparison.Ordinal) ? PackedSheets.Pack(picture, cell.Result!.Prompts.Count, Layout!) : picture.Checked(), notes) is { } ready)
            {
                foreach (var one in same)
                {
                    yield return (one.Cell, ready);
                }
            }
        }
    }

    private static Picture? Readable(CellRun cell, string role, Func<Picture?> make, List<string> notes)
    {
        try
        {
            return make();
        }
        catch (InvalidDataException error)
        {
            notes.Add($"cells/{cell.Cell.Key}/{cell.Result!.Pictures[role]} is damaged and is not shown: {error.Message}");
            return null;
        }
    }
}
