namespace NextStep.Research.Experiments.Tests.Slurm;

/// <summary>A cluster that answers what was recorded from a real one (Slurm 22.05, accounting off) and keeps what it was asked.</summary>
internal sealed class RecordedCluster : IClusterCommands
{
    private int _job = 40;

    public List<(string Program, string[] Arguments, string Input)> Calls { get; } = [];

    public string Queue { get; set; } = "";

    public string Configuration { get; set; } = "MaxArraySize            = 4\nMaxJobCount             = 10000\n";

    public string? Refusal { get; set; }

    public string[][] Submissions => [.. Calls.Where(c => c.Program == "sbatch").Select(c => c.Arguments)];

    public ProgramReply Run(string program, IReadOnlyList<string> arguments, string input = "")
    {
        Calls.Add((program, [.. arguments], input));
        return program switch
        {
            "sbatch" when Refusal is not null => new ProgramReply(1, "", Refusal),
            "sbatch" => new ProgramReply(0, $"{++_job}\n", ""),
            "squeue" => new ProgramReply(0, Queue, ""),
            "scontrol" when arguments[0] == "show" => new ProgramReply(0, Configuration, ""),
            "scontrol" => new ProgramReply(0, "", ""),
            "sacct" => new ProgramReply(1, "", "Slurm accounting storage is disabled"),
            _ => throw new ArgumentException($"nothing is recorded for {program}"),
        };
    }
}
