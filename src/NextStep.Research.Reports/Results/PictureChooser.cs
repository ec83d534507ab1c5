namespace NextStep.Research.Reports;

/// <summary>Chooses and shrinks the pictures of a run: at most 200 kB a cell and 8 MB in all, so that the page can be sent round.</summary>
internal sealed class PictureChooser
{
    private const int SmallestRoom = 4_500_000;
    private const int LargestRoom = 8_000_000;
    private const int RoomPerCell = 200_000;

    private readonly RunResults _run;
    private readonly List<string> _notes = [];
    private readonly Dictionary<(string Cell, string Role), Picture> _chosen = [];
    private int _room;
    private int _prompts;

    private PictureChooser(RunResults run)
    {
        _run = run;
        _room = (int)Math.Clamp((long)run.Cells.Count * RoomPerCell, SmallestRoom, LargestRoom);
    }

    public static PictureAlbum Choose(RunResults run)
    {
        var chooser = new PictureChooser(run);
        CellRun[] sheets = [.. run.Cells.Where(c => c.Pictures.ContainsKey(PictureAlbum.Samples))];
        // All arms draw the same prompts at a seed; other seeds may have others.
        var prompts = sheets.GroupBy(c => c.Seed).ToDictionary(g => g.Key, g => g.First().Result!.Prompts);
        SheetLayout? layout = chooser.Sheets(sheets, prompts);
        if (layout is null)
        {
            chooser.Add(r => r == PictureAlbum.Samples, null);
        }

        chooser.Add(r => r != PictureAlbum.Samples && !PictureAlbum.IsHeatMap(r), null);
        if (layout is not null)
        {
            chooser.Add(PictureAlbum.IsHeatMap, layout, chooser._prompts);
        }

        return new PictureAlbum(layout, prompts, chooser._chosen, [.. chooser._notes.Distinct()]);
    }

    // The sheets take up to six tenths of the room; each shows the same first prompts.
    private SheetLayout? Sheets(CellRun[] cells, Dictionary<long, IReadOnlyList<string>> prompts)
    {
        SheetLayout? layout = null;
        Picture? probe = null;
        for (int i = 0; i < cells.Length && probe is null; i++)
        {
            int drawn = cells[i].Result!.Prompts.Count;
            probe = Undamaged(cells[i], PictureAlbum.Samples, sheet => (layout = PackedSheets.LayoutOf(sheet, drawn)) is null ? sheet : PackedSheets.Pack(sheet, drawn, layout), out _);
        }

        if (layout is null || probe is null)
        {
            return null;
        }

        _prompts = layout.Count;
        // Sheets of one run are about equally large; the first tells how many prompts there is room for.
        (int all, long wanted, int room) = (layout.Count, (long)probe.Bytes.Length * cells.Length, _room * 6 / 10);
        if (wanted > room)
        {
            int count = Math.Clamp((int)(all * 0.95 * room / wanted), 1, all);
            layout = layout with { Count = count, Columns = Math.Min(layout.Columns, count) };
            _notes.Add($"The page shows the first {count} of {all} pictures of each cell, to stay small; the whole sheets are cells/…/samples.png.");
        }

        SheetLayout shown = layout;
        CellRun[] alike = [.. cells.Where(c => c.Result!.Prompts.Count == all && c.Result.Prompts.SequenceEqual(prompts[c.Seed]) && PackedSheets.Fits(c.Pictures[PictureAlbum.Samples], all, shown))];
        Keep(PictureAlbum.Samples, Ready(PictureAlbum.Samples, alike, sheet => PackedSheets.Pack(sheet, all, shown)));
        if (alike.Length < cells.Length)
        {
            _notes.Add($"{cells.Length - alike.Length} sample sheet(s) have other prompts or another size than the first of their seed, so they cannot stand beside it; they are cells/…/samples.png.");
        }

        return layout;
    }

    // Whole seeds as long as there is room: a picture without its counterparts says little.
    private void Add(Func<string, bool> wanted, SheetLayout? layout, int prompts = 0)
    {
        var leftOut = new SortedSet<string>(StringComparer.Ordinal);
        foreach (IGrouping<(long Seed, string Role), CellRun> group in _run.Cells
            .SelectMany(c => c.Pictures.Keys.Where(wanted).Select(r => (Cell: c, Role: r))).GroupBy(p => (p.Cell.Seed, p.Role), p => p.Cell)
            .OrderBy(g => g.Key.Seed).ThenBy(g => g.Key.Role, StringComparer.Ordinal))
        {
            string role = group.Key.Role;
            // Packed sheets have a quarter of the bytes or more; no need to pack what cannot fit.
            bool hopeless = group.DistinctBy(c => c.Pictures[role].Id).Sum(c => c.Pictures[role].Bytes.Length) / 4 > _room;
            (CellRun Cell, Picture Picture)[] pictures = hopeless ? [] : Ready(role, group, picture => layout is null ? picture.Checked() : PackedSheets.Pack(picture, prompts, layout));
            if (hopeless || Size(pictures) > _room)
            {
                leftOut.Add($"{role} of seed {group.Key.Seed}");
            }
            else
            {
                Keep(role, pictures);
            }
        }

        if (leftOut.Count > 0)
        {
            _notes.Add($"Left out to keep the page small: {string.Join(", ", leftOut)}; the pictures lie in cells/….");
        }
    }

    private void Keep(string role, (CellRun Cell, Picture Picture)[] pictures)
    {
        _room -= Size(pictures);
        foreach ((CellRun cell, Picture picture) in pictures)
        {
            _chosen[(cell.Cell.Key, role)] = picture;
        }
    }

    private static int Size((CellRun Cell, Picture Picture)[] pictures) => pictures.DistinctBy(p => p.Picture.Id).Sum(p => p.Picture.Bytes.Length);

    // Arms that share a stage have the same file; it is looked at once. Damaged ones are noted and left out.
    private (CellRun Cell, Picture Picture)[] Ready(string role, IEnumerable<CellRun> cells, Func<Picture, Picture?> prepare)
    {
        (CellRun[] Cells, Picture? Ready, string? Note)[] looked =
        [
            .. cells.GroupBy(c => c.Pictures[role].Id).Select(g => g.ToArray()).AsParallel().AsOrdered().Select(same =>
            {
                Picture? ready = Undamaged(same[0], role, prepare, out string? note);
                return (same, ready, note);
            }),
        ];
        _notes.AddRange(looked.Select(l => l.Note).OfType<string>());
        return [.. looked.Where(l => l.Ready is not null).SelectMany(l => l.Cells.Select(c => (c, l.Ready!)))];
    }

    private static Picture? Undamaged(CellRun cell, string role, Func<Picture, Picture?> prepare, out string? note)
    {
        note = null;
        try
        {
            return prepare(cell.Pictures[role]);
        }
        catch (InvalidDataException error)
        {
            note = $"cells/{cell.Cell.Key}/{cell.Result!.Pictures[role]} is damaged and is not shown: {error.Message}";
            return null;
        }
    }
}
