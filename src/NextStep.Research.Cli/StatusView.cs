using System.Globalization;
using System.Text.Json;
using NextStep.Research.Experiments;
using NextStep.Research.Reports;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace NextStep.Research.Cli;

/// <summary>The state of a run for people and as JSON.</summary>
internal sealed class StatusView(RunStatus status, RunFolder folder, bool all)
{
    private const int MostRows = 40;
    private const int MostFailures = 10;
    private const int LogLines = 3;
    private const int BarWidth = 30;

    public IRenderable Render()
    {
        // What moves comes first, what is done last.
        CellStatus[] cells = all || status.Cells.Count <= MostRows ? [.. status.Cells]
            : [.. status.Cells.OrderBy(c => c.State switch { CellState.Running => 0, CellState.Failed => 1, CellState.Waiting => 2, _ => 3 }).Take(MostRows)];
        Table table = new Table().Border(TableBorder.Simple).AddColumns("cell", "arm", "seed", "state", "stage", "progress", "rate", "time");
        if (status.Slurm.Count > 0)
        {
            table.AddColumn("slurm");
        }
        Dictionary<string, string> notes = cells.Select(c => (c.Cell.Key, Note: CellNote.Read(folder, c.Cell))).Where(n => n.Note is not null).ToDictionary(n => n.Key, n => n.Note!.ToString());
        if (notes.Count > 0)
        {
            table.AddColumn("note");
        }
        foreach (CellStatus cell in cells)
        {
            table.AddRow([.. Row(cell).Concat(status.Slurm.Count > 0 ? [Task(cell)] : []).Concat(notes.Count > 0 ? [notes.GetValueOrDefault(cell.Cell.Key, "")] : []).Select(t => new Text(t))]);
        }
        List<IRenderable> parts = [table];
        if (cells.Length < status.Cells.Count)
        {
            parts.Add(new Text(string.Create(CultureInfo.InvariantCulture, $"… and {status.Cells.Count - cells.Length:#,0} more cells; --all shows them")));
        }
        parts.AddRange(Failures().Select(line => new Text(line)));
        parts.Add(new Text(Summary()));
        return new Rows(parts);
    }

    public string Json() => JsonSerializer.Serialize(
        new
        {
            status.Plan.Name,
            folder = folder.Path,
            counts = Enum.GetValues<CellState>().ToDictionary(Name, status.Count),
            status.CellsPerHour,
            status.SecondsLeft,
            cells = status.Cells.Select(c => new { c.Cell.Key, c.Cell.Arm, c.Cell.Seed, c.State, seconds = c.Result?.Seconds, c.Progress, c.Failure, slurm = status.Slurm.GetValueOrDefault(c.Cell.Key) }),
        },
        RunFolder.Json);

    private string Summary()
    {
        int done = status.Count(CellState.Done), total = status.Cells.Count, filled = total == 0 ? 0 : BarWidth * done / total;
        string counts = string.Join(", ", Enum.GetValues<CellState>().Where(s => s != CellState.Stopped || status.Count(s) > 0).Select(s => string.Create(CultureInfo.InvariantCulture, $"{status.Count(s):#,0} {Name(s)}")));
        string rate = status.CellsPerHour is { } perHour ? $"; {Numbers.Format(perHour)} cells an hour" : "";
        string left = status.IsOver ? "" : status.SecondsLeft is { } seconds ? $", about {Numbers.Duration(seconds)} left"
            : status.Slurm.Values.Count(t => !t.IsOver) is > 0 and var tasks && status.Count(CellState.Running) == 0 ? $"; {tasks} with Slurm"
            : status.Count(CellState.Running) == 0 ? "; nobody works on it: the same sweep command continues" : "; time left unknown until two cells are done";
        return $"{new string('█', filled)}{new string('░', BarWidth - filled)} {counts}{rate}{left}";
    }

    private IEnumerable<string> Failures()
    {
        CellFailure[] failures = [.. status.Cells.Select(c => c.State == CellState.Failed ? c.Failure : null).OfType<CellFailure>()];
        foreach (CellFailure failure in failures.Take(all ? int.MaxValue : MostFailures))
        {
            yield return $"failed: {failure.Arm}, seed {failure.Seed}, stage {failure.Stage}{(failure.Step.Length > 0 ? $" at {failure.Step}" : "")}: {failure.Type}: {failure.Message}";
            foreach (string line in failure.Log.TakeLast(LogLines))
            {
                yield return $"  {line}";
            }
        }
        if (!all && failures.Length > MostFailures)
        {
            yield return $"… and {failures.Length - MostFailures} more failures; --all shows them";
        }
    }

    private static string[] Row(CellStatus s)
    {
        (string stage, string progress, string rate, double? seconds) = s switch
        {
            { Result: { } result } => ("", "", "", result.Seconds.Values.Sum()),
            { State: CellState.Failed or CellState.Stopped, Failure: { } failure } => (failure.Stage, failure.Message, "", (double?)null),
            { Progress: { } p } => (p.Stage, string.Create(CultureInfo.InvariantCulture, $"{p.Done}/{p.Total} {p.Unit}"),
                p.Seconds > 0 && s.State == CellState.Running ? $"{Numbers.Format(p.Done / p.Seconds)}/s" : "", p.Seconds),
            _ => ("", "", "", (double?)null),
        };
        return [s.Cell.Key, s.Cell.Arm, $"{s.Cell.Seed}{(s.Cell.Rung is { } images ? string.Create(CultureInfo.InvariantCulture, $", {images:#,0} images") : "")}", Name(s.State), stage, progress, rate, seconds is { } time ? Numbers.Duration(time) : ""];
    }

    private string Task(CellStatus cell) =>
        status.Slurm.TryGetValue(cell.Cell.Key, out SlurmTaskState? task) ? $"{task.Id} {task.State}{(task.Reason.Length > 0 ? $" ({task.Reason})" : "")}" : "";

    private static string Name(CellState state) => state switch
    {
        CellState.Done => "done",
        CellState.Failed => "failed",
        CellState.Running => "running",
        CellState.Stopped => "stopped",
        _ => "waiting",
    };
}
