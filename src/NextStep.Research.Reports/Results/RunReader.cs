using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>Reads a run folder as the report needs it. Only <c>plan.json</c> must be whole.</summary>
internal sealed class RunReader(RunFolder folder)
{
    private readonly List<string> _notes = [];

    public static RunResults Read(string runFolder, bool mixCode = false)
    {
        var folder = new RunFolder(Path.TrimEndingDirectorySeparator(runFolder));
        Plan plan = folder.RequirePlan();
        var reader = new RunReader(folder);
        CellRun[] cells = [.. plan.Cells.Select(c => reader.Cell(c) with { Note = reader.Undamaged(() => CellNote.Read(folder, c)) })];
        SearchState? search = reader.Undamaged(() => SearchWatch.Read(folder, plan));
        cells = [.. cells.Select(c => c.State == CellState.Waiting && search?.IsStopped(c.Cell) == true ? c with { State = CellState.Stopped } : c)];
        // Always anew: what a file says may be older than the results, and a folder that is only read has no such file.
        CellResult[] results = [.. cells.Select(c => c.Result).OfType<CellResult>()];
        plan = plan with { Claims = ClaimJudge.Judge(plan, results, [.. cells.Select(c => c.Failure).OfType<CellFailure>()], mixCode) };
        ResumeProof? proof = reader.Undamaged(() => ResumeProof.Read(folder));
        DataReport? data = reader.Undamaged(() => DataReport.Read(folder));
        // Cells that share a stage find the same damage.
        return new RunResults(plan, cells, [.. reader._notes.Distinct()])
        {
            ResumeProof = proof,
            Search = search,
            Data = data,
            MixCode = mixCode,
            CodeNote = mixCode ? CodeMix.Found(results) : CodeMix.Of(results),
        };
    }

    private CellRun Cell(PlannedCell cell)
    {
        CellResult? result = Undamaged(() => folder.ReadResult(cell));
        if (result is not null)
        {
            return new CellRun(cell, CellState.Done)
            {
                Result = result,
                Log = MetricsLog.Read([Named(Path.Combine(folder.Cell(cell), "metrics.jsonl"))], _notes),
                Curves = Undamaged(() => folder.ReadCurves(cell)) ?? new Dictionary<string, Curve>(),
                Pictures = Pictures(cell, result),
            };
        }

        CellFailure? failure = Undamaged(() => folder.ReadFailure(cell));
        bool failed = failure is not null || File.Exists(Path.Combine(folder.Cell(cell), "failure.json"));
        return new CellRun(cell, failure is { IsStop: true } ? CellState.Stopped : failed ? CellState.Failed : CellState.Waiting)
        {
            Failure = failure,
            Log = MetricsLog.Read(cell.Stages.Select(StageLog), _notes),
        };
    }

    // The logs of a cell are joined when it is done; before that they lie with its stages, whole or half done.
    private (string Path, string ShownAs) StageLog(PlannedStage stage)
    {
        string done = Path.Combine(folder.Stage(stage), "metrics.jsonl");
        return Named(File.Exists(done) ? done : Path.Combine(folder.Stage(stage) + ".partial", "metrics.jsonl"));
    }

    private Dictionary<string, Picture> Pictures(PlannedCell cell, CellResult result)
    {
        var pictures = new Dictionary<string, Picture>();
        string inside = Path.GetFullPath(folder.Cell(cell)) + Path.DirectorySeparatorChar;
        foreach ((string role, string file) in result.Pictures.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            string path = Path.Combine(folder.Cell(cell), file);
            if (!Path.GetFullPath(path).StartsWith(inside, StringComparison.Ordinal))
            {
                _notes.Add($"cells/{cell.Key}/result.json names the picture '{file}', which is outside of the cell's folder; it is not shown.");
            }
            else if (Picture.Read(path, Named(path).ShownAs, _notes) is { } picture)
            {
                pictures[role] = picture;
            }
        }

        return pictures;
    }

    private T? Undamaged<T>(Func<T?> read) where T : class
    {
        try
        {
            return read();
        }
        catch (InvalidDataException error)
        {
            _notes.Add(Relative(error.Message) + ". It is left out.");
            return null;
        }
    }

    private (string Path, string ShownAs) Named(string path) => (path, Relative(path));

    // Where the folder lies on this machine is nobody's business and would change the report's bytes.
    private string Relative(string text) => text.Replace(folder.Path + Path.DirectorySeparatorChar, "", StringComparison.Ordinal);
}
