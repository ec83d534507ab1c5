using System.Globalization;
using System.Text.RegularExpressions;

namespace NextStep.Research.Experiments;

/// <summary>What was handed to Slurm.</summary>
/// <param name="Cells">Cells submitted.</param>
/// <param name="SharedStages">Pieces of work that several of them share.</param>
/// <param name="Waiting">Cells that earlier submissions still take care of.</param>
/// <param name="Jobs">Job ids in the order of submission.</param>
/// <param name="Notes">Sentences for people: what became of earlier tasks.</param>
internal sealed record SlurmSubmission(int Cells, int SharedStages, int Waiting, IReadOnlyList<string> Jobs, IReadOnlyList<string> Notes);

/// <summary>
/// Hands a run folder to Slurm and returns: an array for each level of shared stages, then one for the cells, each after the one
/// before it has ended, however it ended; at last a job that writes the report. Nothing needs this process afterwards.
/// </summary>
/// <param name="folder">Made ready by <see cref="CellConfigs.Write"/>, on a disk that the nodes see.</param>
/// <param name="plan">Its plan.</param>
/// <param name="worker">Starts a worker; its program is copied into the folder first.</param>
/// <param name="finish">The program's verb for the last job; empty: no such job.</param>
/// <param name="slurm">What to ask for.</param>
/// <param name="commands">The cluster.</param>
internal sealed partial class SlurmLauncher(RunFolder folder, Plan plan, WorkerCommand worker, IReadOnlyList<string> finish, SlurmOptions slurm, IClusterCommands commands)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private readonly string _slurm = SlurmArray.FolderOf(folder);

    /// <summary>
    /// Submits the selected cells that are neither done, nor failed, nor in Slurm's hands already. Of several submissions at once
    /// one goes after the other, and each sees what those before it have handed over.
    /// </summary>
    /// <exception cref="InvalidOperationException">Slurm is not here, or refuses; the message is its own.</exception>
    /// <exception cref="IOException">Another process has been submitting for ten minutes.</exception>
    public SlurmSubmission Submit(SweepOptions options)
    {
        using IDisposable turn = WriteLock.Take(Path.Combine(_slurm, "submit.lock"), Patience);
        Sweep.ClearFailures(folder, plan, options);
        IReadOnlyDictionary<string, SlurmTaskState> known = SlurmQueue.Read(folder, commands);
        SearchState? search = SearchWatch.Read(folder, plan);
        PlannedCell[] open = [.. options.Select(plan).Where(c => !folder.IsDone(c) && folder.ReadFailure(c) is null && search?.IsStopped(c) != true)];
        PlannedCell[] cells = [.. open.Where(c => !known.TryGetValue(c.Key, out SlurmTaskState? task) || task.IsOver)];
        string[] notes = [.. cells.Where(c => known.ContainsKey(c.Key)).Select(c => $"{c.Label}: task {known[c.Key].Id} ended as {known[c.Key].State} without a result; submitted again")];
        if (cells.Length == 0)
        {
            return new SlurmSubmission(0, 0, open.Length, [], []);
        }
        int largest = MaxArraySize();
        Directory.CreateDirectory(Path.Combine(_slurm, "logs"));
        WorkerCommand program = ProgramSnapshot.Take(worker, _slurm);
        List<string> jobs = [], before = [];
        HashSet<string> submitted = [];
        int shared = 0;
        // Rung after rung: tasks of arms that a rung has stopped end at once.
        foreach (PlannedCell[] rung in cells.GroupBy(c => c.Rung ?? long.MaxValue).OrderBy(g => g.Key).Select(g => g.ToArray()))
        {
            foreach (IReadOnlyList<string> level in SharedStages.Levels(folder, rung))
            {
                string[] keys = [.. level.Where(k => submitted.Add(k) && (!known.TryGetValue(k, out SlurmTaskState? task) || task.IsOver))];
                shared += keys.Length;
                before = keys.Length == 0 ? before : SubmitAll(SlurmArray.Stages, keys, before, program, largest, jobs);
            }
            before = SubmitAll(SlurmArray.Cells, [.. rung.Select(c => c.Key)], before, program, largest, jobs);
        }
        if (finish.Count > 0)
        {
            // After earlier submissions' tasks too, or it would tell of half a sweep.
            string[] others = [.. known.Values.Where(t => !t.IsOver).Select(t => t.Id.Split('_')[0])];
            SlurmReport report = new(
                SlurmScript.Of((program with { Verb = finish }).Line(Path.GetFullPath(folder.Path))), [.. Described("report", "report-%j"), .. SlurmScript.ReportFlags(slurm)]);
            report.Write(folder);
            jobs.Add(report.Submit(others.Union(before), commands));
        }
        return new SlurmSubmission(cells.Length, shared, open.Length - cells.Length, jobs, notes);
    }

    // The index is capped, not only the number of tasks, so every chunk counts from 0 and has a map of its own.
    private List<string> SubmitAll(string kind, string[] keys, IReadOnlyList<string> after, WorkerCommand program, int largest, List<string> jobs)
    {
        List<string> ids = [];
        string[][] chunks = [.. keys.Chunk(largest)];
        foreach (string[] chunk in chunks)
        {
            int number = Directory.GetFiles(_slurm, "*.json").Length + 1;
            string map = Path.Combine(_slurm, string.Create(CultureInfo.InvariantCulture, $"{number:D4}.json"));
            RunFolder.Write(map, new SlurmArray(kind, chunk, ""));
            string cap = slurm.Concurrency > 0 ? string.Create(CultureInfo.InvariantCulture, $"%{Math.Max(1, slurm.Concurrency / chunks.Length)}") : "";
            string script = SlurmScript.Of(program.Line(Path.GetFullPath(folder.Path), "--map", map, "--index"), "\"$SLURM_ARRAY_TASK_ID\"");
            AtomicFile.WriteText(Path.ChangeExtension(map, ".sh"), script); // for people: what was run
            string id = SlurmSubmit.Send(commands, script,
                [.. Described(kind, "%A_%a"), .. SlurmScript.Flags(slurm), string.Create(CultureInfo.InvariantCulture, $"--array=0-{chunk.Length - 1}{cap}"), .. SlurmSubmit.After(after)]);
            RunFolder.Write(map, new SlurmArray(kind, chunk, id));
            ids.Add(id);
        }
        jobs.AddRange(ids);
        return ids;
    }

    private string[] Described(string kind, string log) => [$"--job-name={plan.Name}-{kind}", $"--output={SlurmScript.LogPattern(Path.Combine(_slurm, "logs"), log)}.log"];

    private int MaxArraySize()
    {
        ProgramReply reply = commands.Run("scontrol", ["show", "config"]);
        return reply.ExitCode != 0 ? throw new InvalidOperationException($"Slurm does not answer: {reply.Error}")
            : ArraySize().Match(reply.Output) is { Success: true } match ? Math.Max(1, int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)) : 1001;
    }

    [GeneratedRegex(@"^MaxArraySize\s*=\s*(\d{1,9})", RegexOptions.Multiline)]
    private static partial Regex ArraySize();
}
