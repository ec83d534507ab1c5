using System.Text.Json;
using System.Text.Json.Serialization;

namespace NextStep.Research.Experiments;

/// <summary>The files of a run folder: <c>plan.json</c>, <c>stages/</c>, <c>cells/</c>.</summary>
public sealed class RunFolder(string path)
{
    private const long LargestFile = 256L << 20;

    /// <summary>How files of a run folder, and what is printed for programs, are written.</summary>
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The folder itself.</summary>
    public string Path { get; } = path;

    /// <summary>Where the report goes.</summary>
    public string ReportFile => System.IO.Path.Combine(Path, "report.html");

    /// <summary>A cell's folder.</summary>
    public string Cell(PlannedCell cell) => System.IO.Path.Combine(Path, "cells", (cell ?? throw new ArgumentNullException(nameof(cell))).Key);

    /// <summary>A stage's folder when it is done.</summary>
    public string Stage(PlannedStage stage) => System.IO.Path.Combine(Path, (stage ?? throw new ArgumentNullException(nameof(stage))).Folder);

    /// <summary>Whether a cell is done.</summary>
    public bool IsDone(PlannedCell cell) => File.Exists(System.IO.Path.Combine(Cell(cell), "result.json"));

    /// <summary>What came of the claims when a sweep last ended, for other programs; reports and tables judge anew.</summary>
    internal const string Verdicts = "verdicts.json";

    /// <summary>Held by the process that writes the plan.</summary>
    internal string PlanLock => System.IO.Path.Combine(Path, "plan.lock");

    /// <summary>Where it stands why a shared stage failed.</summary>
    internal string StageFailure(PlannedStage stage) => Stage(stage) + ".failure.json";

    /// <summary>The plan, or null in a folder that has none.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public Plan? ReadPlan()
    {
        string file = System.IO.Path.Combine(Path, "plan.json");
        Plan? plan = Read<Plan>(file);
        if (plan is not null && (plan.Arms.Count == 0 || plan.AllCells.Any(c => !IsKey(c.Key) || c.Stages.Any(s => !IsInside(s.Folder) || (s.From is { } from && !IsInside(from))))))
        {
            throw new InvalidDataException($"{file} is damaged: it names folders outside of the run folder, or no arm");
        }
        return plan;
    }

    /// <summary>The plan.</summary>
    /// <exception cref="InvalidDataException">There is none, or it is damaged.</exception>
    public Plan RequirePlan() => ReadPlan() ?? throw new InvalidDataException(
        Directory.Exists(Path) ? $"{Path} has no plan.json, so it is no run folder" : $"there is no run folder {Path}");

    /// <summary>Writes the plan.</summary>
    public void WritePlan(Plan plan) => AtomicFile.WriteText(System.IO.Path.Combine(Path, "plan.json"), JsonSerializer.Serialize(plan, Json));

    /// <summary>The result of a cell, or null while it is not done. It is found by the cell's key; what its arm is called, the plan says.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public CellResult? ReadResult(PlannedCell cell) =>
        Read<CellResult>(System.IO.Path.Combine(Cell(cell), "result.json")) is { } result ? result with { Cell = cell.Key, Arm = cell.Arm, Seed = cell.Seed } : null;

    /// <summary>The curves of a finished cell by name; empty where its stages left none.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public IReadOnlyDictionary<string, Curve> ReadCurves(PlannedCell cell)
    {
        string file = System.IO.Path.Combine(Cell(cell), Curve.FileName);
        Dictionary<string, Curve> curves = Read<Dictionary<string, Curve>>(file) ?? [];
        foreach ((string name, Curve curve) in curves)
        {
            if (curve is not { Title: not null, XTitle: not null, YTitle: not null, X: not null, Lines: not null } || curve.Lines.Values.Any(l => l?.Count != curve.X.Count))
            {
                throw new InvalidDataException($"{file} is damaged: the curve '{name}' has no title, no axis, or lines of another length than its axis");
            }
        }
        return curves;
    }

    /// <summary>Why a cell failed, or null.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public CellFailure? ReadFailure(PlannedCell cell) =>
        Read<CellFailure>(System.IO.Path.Combine(Cell(cell), "failure.json")) is { } failure ? failure with { Cell = cell.Key, Arm = cell.Arm, Seed = cell.Seed } : null;

    /// <summary>Why cells failed, in the plan's order; a cell with a result counts as done.</summary>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public IReadOnlyList<CellFailure> ReadFailures(Plan plan) => [.. ReadCells(plan, c => IsDone(c) ? null : ReadFailure(c)).OfType<CellFailure>()];

    /// <summary>How far a cell is, as last noted by the process that runs it, or null.</summary>
    public CellProgress? ReadProgress(PlannedCell cell)
    {
        try
        {
            return Read<CellProgress>(System.IO.Path.Combine(Cell(cell), "progress.json"));
        }
        catch (InvalidDataException)
        {
            return null; // only for display
        }
    }

    /// <summary>The results that are there, in the plan's order.</summary>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public IReadOnlyList<CellResult> ReadResults(Plan plan) => [.. ReadCells(plan, ReadResult).OfType<CellResult>()];

    /// <summary>Reads something of every cell, several at a time; in the plan's order. What <paramref name="read"/> throws is thrown as it is.</summary>
    public static IReadOnlyList<T> ReadCells<T>(Plan plan, Func<PlannedCell, T> read) => ReadCells((plan ?? throw new ArgumentNullException(nameof(plan))).Cells, read);

    /// <summary>The same for other cells than the plan's own.</summary>
    internal static IReadOnlyList<T> ReadCells<T>(IEnumerable<PlannedCell> cells, Func<PlannedCell, T> read)
    {
        try
        {
            return [.. cells.AsParallel().AsOrdered().Select(read)];
        }
        catch (AggregateException several)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(several.Flatten().InnerExceptions[0]);
            throw;
        }
    }

    internal static T? Read<T>(string file)
        where T : class
    {
        if (!File.Exists(file))
        {
            return null;
        }
        if (new FileInfo(file).Length > LargestFile)
        {
            throw new InvalidDataException($"{file} is larger than {LargestFile >> 20} MB");
        }
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllText(file), Json) ?? throw new JsonException("it holds null");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{file} is damaged: {e.Message}", e);
        }
    }

    internal static void Write<T>(string file, T value, bool durable = true) => AtomicFile.WriteText(file, JsonSerializer.Serialize(value, Json), durable);

    private static bool IsKey(string key) => key.Length is > 0 and <= 64 && key.All(char.IsAsciiHexDigit);

    private static bool IsInside(string folder) => !System.IO.Path.IsPathRooted(folder) && !folder.Split('/', '\\').Contains("..");
}
