using System.Globalization;
using System.Text.RegularExpressions;

namespace NextStep.Research.Experiments;

/// <summary>What Slurm says of a task.</summary>
/// <param name="Id"><c>12_3</c>.</param>
/// <param name="State">Slurm's word, for instance <c>PENDING</c>.</param>
/// <param name="Reason">Why it waits; empty when unknown.</param>
internal sealed record SlurmTaskState(string Id, string State, string Reason)
{
    private static readonly string[] Ended = ["BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"];

    /// <summary>Whether Slurm will do no more about it. Being requeued, completing or preempted is not the end.</summary>
    public bool IsOver => Ended.Contains(State.Split(' ', '+')[0]);
}

/// <summary>Asks Slurm, without needing its accounting. Only colour: whether a cell is done, its files say.</summary>
internal static partial class SlurmQueue
{
    /// <summary>States by stage or cell key, of the newest task of each; what Slurm has forgotten is left out.</summary>
    public static IReadOnlyDictionary<string, SlurmTaskState> Read(RunFolder folder, IClusterCommands commands)
    {
        ArgumentNullException.ThrowIfNull(commands);
        IReadOnlyList<SlurmArray> arrays = SlurmArray.ReadAll(folder);
        Dictionary<string, SlurmTaskState> states = [];
        if (arrays.Count == 0)
        {
            return states;
        }
        // By user, not by job: one id that Slurm has forgotten would fail the whole question.
        Dictionary<string, SlurmTaskState> tasks = Parse(Ask(commands, "squeue", ["-h", "-r", "-t", "all", "-u", Environment.UserName, "-o", "%i|%T|%r"]));
        string[] unknown = [.. arrays.Where(a => !tasks.ContainsKey($"{a.JobId}_0")).Select(a => a.JobId)];
        if (unknown.Length > 0)
        {
            foreach ((string id, SlurmTaskState state) in Parse(Ask(commands, "sacct", ["-n", "-P", "-X", "-o", "JobID,State", "-j", string.Join(',', unknown)])))
            {
                tasks.TryAdd(id, state);
            }
        }
        foreach (SlurmArray array in arrays)
        {
            for (int i = 0; i < array.Keys.Count; i++)
            {
                if (tasks.TryGetValue(string.Create(CultureInfo.InvariantCulture, $"{array.JobId}_{i}"), out SlurmTaskState? state))
                {
                    states[array.Keys[i]] = state;
                }
            }
        }
        return states;
    }

    /// <summary>Lines of <c>id|state|reason</c>; an id may be a range: <c>12_[4-6,9%2]</c>.</summary>
    internal static Dictionary<string, SlurmTaskState> Parse(string lines)
    {
        Dictionary<string, SlurmTaskState> tasks = [];
        foreach (string[] fields in lines.Split('\n').Select(l => l.Trim().Split('|')).Where(f => f.Length >= 2))
        {
            foreach (string id in Expand(fields[0]))
            {
                tasks[id] = new SlurmTaskState(id, fields[1], fields.Length > 2 && fields[2] != "None" ? fields[2] : "");
            }
        }
        return tasks;
    }

    private static IEnumerable<string> Expand(string id)
    {
        if (Ranges().Match(id) is not { Success: true } match)
        {
            return [id];
        }
        return match.Groups[2].Value.Split(',').Select(p => p.Split('-')).SelectMany(p =>
        {
            int first = int.Parse(p[0], CultureInfo.InvariantCulture), last = int.Parse(p[^1], CultureInfo.InvariantCulture);
            return Enumerable.Range(first, Math.Clamp(last - first + 1, 0, 10_000_000)).Select(i => string.Create(CultureInfo.InvariantCulture, $"{match.Groups[1].Value}_{i}"));
        });
    }

    // No accounting, no daemon, no program: then nothing is known.
    private static string Ask(IClusterCommands commands, string program, IReadOnlyList<string> arguments)
    {
        try
        {
            ProgramReply reply = commands.Run(program, arguments);
            return reply.ExitCode == 0 ? reply.Output : "";
        }
        catch (InvalidOperationException)
        {
            return "";
        }
    }

    [GeneratedRegex(@"^(\d+)_\[(\d{1,9}(?:-\d{1,9})?(?:,\d{1,9}(?:-\d{1,9})?)*)(?:%\d+)?\]$")]
    private static partial Regex Ranges();
}
