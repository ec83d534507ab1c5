using System.Collections;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>A column of a table.</summary>
/// <param name="Name">Unique in the table.</param>
/// <param name="Values"><c>string?[]</c>, <c>long?[]</c> or <c>double?[]</c>, one a row.</param>
internal sealed record RunColumn(string Name, Array Values);

/// <summary>The numbers of a run folder as a table, for other tools.</summary>
/// <param name="Name">Also the name of its file.</param>
/// <param name="Columns">Of equal length.</param>
internal sealed record RunTable(string Name, IReadOnlyList<RunColumn> Columns)
{
    /// <summary>How many rows.</summary>
    public int Rows => Columns[0].Values.Length;

    /// <summary>
    /// A row a cell, in the order of the plan: <c>cell</c>, <c>arm</c>, <c>seed</c>, where a search has rungs the images of the cell's (<c>rung</c>), <c>state</c>, where there are any <c>note</c> and <c>tags</c> (commas between), the settings in which arms differ
    /// (<c>config.PATH</c>), the final numbers by their names, the seconds of the stages that it ran itself (<c>seconds.KIND</c>),
    /// what numbers depend on (<c>identity.METRIC</c>) and where they come from (<c>provenance.KEY</c>).
    /// </summary>
    /// <exception cref="InvalidDataException">It is no run folder, or a file is damaged.</exception>
    public static RunTable Cells(RunFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        RunStatus status = RunStatus.Read(folder);
        (Plan plan, IReadOnlyList<CellStatus> cells) = (status.Plan, status.Cells);
        Dictionary<string, PlannedArm> arms = plan.Arms.ToDictionary(a => a.Name);
        return new RunTable("cells",
        [
            new("cell", cells.Select(c => c.Cell.Key).ToArray()),
            new("arm", cells.Select(c => c.Cell.Arm).ToArray()),
            new("seed", cells.Select(c => (long?)c.Cell.Seed).ToArray()),
            .. plan.Rungs.Count == 0 ? [] : (RunColumn[])[new("rung", cells.Select(c => c.Cell.Rung).ToArray())],
            new("state", cells.Select(c => c.State.ToString().ToLowerInvariant()).ToArray()),
            .. Notes(folder, cells),
            .. plan.Arms[0].Settings.Keys.Select(p => new RunColumn($"config.{p}", Typed([.. cells.Select(c => arms[c.Cell.Arm].Settings.GetValueOrDefault(p))]))),
            .. Of(cells, "", r => r.Metrics.ToDictionary(m => m.Key, m => (double?)m.Value)),
            .. Of(cells, "seconds.", r => r.Seconds.ToDictionary(m => m.Key, m => (double?)m.Value)),
            .. Of(cells, "identity.", r => r.Identities.ToDictionary(m => m.Key, m => (string?)m.Value)),
            .. Of(cells, "provenance.", r => r.Provenance.ToDictionary(m => m.Key, m => (string?)m.Value)),
        ]);
    }

    /// <summary>A row a logged number: <c>cell</c>, <c>arm</c>, <c>seed</c>, <c>metric</c> (stage.name), <c>images</c>, <c>value</c>.</summary>
    /// <exception cref="InvalidDataException">It is no run folder.</exception>
    public static RunTable Curves(RunFolder folder) => Curves(folder, null);

    /// <summary>The same; <paramref name="leftOut"/> is told of what could not be read, with the file's name.</summary>
    internal static RunTable Curves(RunFolder folder, Action<string>? leftOut)
    {
        ArgumentNullException.ThrowIfNull(folder);
        Plan plan = folder.RequirePlan();
        IReadOnlyList<(PlannedCell Cell, CellCurves Curves)> read = RunFolder.ReadCells(plan, c => (Cell: c, CellCurves.Read(folder, c)));
        foreach (string note in read.SelectMany(c => c.Curves.Notes))
        {
            leftOut?.Invoke(note);
        }
        (PlannedCell Cell, string Metric, double Images, double Value)[] rows = [.. read
            .SelectMany(c => c.Curves.Points.SelectMany(curve => curve.Value.Select(p => (c.Cell, curve.Key, p.Images, p.Value))))];
        return new RunTable("curves",
        [
            new("cell", rows.Select(r => r.Cell.Key).ToArray()),
            new("arm", rows.Select(r => r.Cell.Arm).ToArray()),
            new("seed", rows.Select(r => (long?)r.Cell.Seed).ToArray()),
            new("metric", rows.Select(r => r.Metric).ToArray()),
            new("images", rows.Select(r => (double?)r.Images).ToArray()),
            new("value", rows.Select(r => (double?)r.Value).ToArray()),
        ]);
    }

    private static IEnumerable<RunColumn> Of<T>(IReadOnlyList<CellStatus> cells, string prefix, Func<CellResult, Dictionary<string, T?>> values)
    {
        Dictionary<string, T?>[] rows = [.. cells.Select(c => c.Result is { } result ? values(result) : [])];
        return rows.SelectMany(r => r.Keys).Distinct().Order(StringComparer.Ordinal)
            .Select(name => new RunColumn(prefix + name, rows.Select(r => r.GetValueOrDefault(name)).ToArray()));
    }

    private static IEnumerable<RunColumn> Notes(RunFolder folder, IReadOnlyList<CellStatus> cells)
    {
        CellNote?[] notes = [.. cells.Select(c => CellNote.Read(folder, c.Cell))];
        return notes.All(n => n is null) ? []
            : [new("note", notes.Select(n => n?.Text is { Length: > 0 } text ? text : null).ToArray()), new("tags", notes.Select(n => n is { Tags.Count: > 0 } ? string.Join(',', n.Tags) : null).ToArray())];
    }

    // Settings are kept as text; where all are numbers, other tools want numbers.
    private static Array Typed(string?[] texts)
    {
        double?[] numbers = [.. texts.Select(t => double.TryParse(t, System.Globalization.CultureInfo.InvariantCulture, out double n) ? n : (double?)null)];
        return numbers.All(n => n is not null) ? numbers : texts;
    }

    /// <summary>The values of a row in the order of the columns.</summary>
    internal IEnumerable<object?> Row(int row) => Columns.Select(c => ((IList)c.Values)[row]);
}
