using System.Diagnostics;

namespace NextStep.Research.Experiments;

/// <summary><c>resume-proof.json</c>: one cell run twice, once left alone and once killed again and again, file by file.</summary>
internal sealed record ResumeProof
{
    /// <summary>The file's name in the run folder.</summary>
    public const string FileName = "resume-proof.json";

    private const int Steps = 64;

    /// <summary>The cell's label: arm and seed.</summary>
    public required string Cell { get; init; }

    /// <summary>What was shortened for the proof, for people.</summary>
    public required string Shortened { get; init; }

    /// <summary>How often the process was killed (SIGKILL) while it worked.</summary>
    public required int Kills { get; init; }

    /// <summary>How often, after a kill, the newest checkpoint and the metrics' last line were cut short, as a power cut does.</summary>
    public required int PowerCuts { get; init; }

    /// <summary>How often a kill left a whole checkpoint from which the next process went on; 0 proves nothing.</summary>
    public int Resumed { get; init; }

    /// <summary>Files compared: weights, metrics, pictures, numbers; without fields that hold times.</summary>
    public required int FilesCompared { get; init; }

    /// <summary>Whether all of them are equal, after a run that really was continued.</summary>
    public required bool Identical { get; init; }

    /// <summary>Files that differ, or that only one of the two runs has.</summary>
    public required IReadOnlyList<string> Differences { get; init; }

    /// <summary>When, UTC.</summary>
    public required DateTime Date { get; init; }

    /// <summary>The proof of a run folder, or null.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static ResumeProof? Read(RunFolder folder) => RunFolder.Read<ResumeProof>(Path.Combine((folder ?? throw new ArgumentNullException(nameof(folder))).Path, FileName));

    /// <summary>Does the experiment with the baseline and the first seed, and writes the file. The two runs are removed when they are equal.</summary>
    /// <param name="folder">Where the two runs, and the file, go.</param>
    /// <param name="experiment">Its first cell is taken, every training at most 64 steps long.</param>
    /// <param name="stages">The stages that <paramref name="command"/> runs.</param>
    /// <param name="command">Starts a worker.</param>
    /// <param name="kills">How often to kill it.</param>
    /// <param name="tell">Told what happens.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="InvalidDataException">The cell fails even when it is left alone.</exception>
    public static ResumeProof Make(
        RunFolder folder, Experiment experiment, IReadOnlyList<StageDefinition> stages, WorkerCommand command, int kills, Action<string> tell, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(experiment);
        ArgumentNullException.ThrowIfNull(tell);
        string both = Path.Combine(folder.Path, "resume-proof");
        if (Directory.Exists(both))
        {
            Directory.Delete(both, true);
        }
        Experiment one = experiment with { Arms = [experiment.Arms[0] with { Config = Shorten(experiment.Arms[0].Config) }], Seeds = [experiment.Seeds[0]], Axes = [], Claims = [] };
        one = CellThreads.Settle(one, folder);
        Plan plan = Plan.Make(one, stages);
        tell($"{plan.Cells[0].Label}: left alone");
        ProofRun straight = new(new RunFolder(Path.Combine(both, "straight")), plan, one, command);
        Stopwatch clock = Stopwatch.StartNew();
        straight.Finish(cancellation);
        ProofRun broken = new(new RunFolder(Path.Combine(both, "killed")), plan, one, command);
        SplitMix64 random = Streams.Managed(Environment.TickCount64, "resume-proof");
        int killed = 0, cuts = 0, resumed = 0;
        // However slow the machine: the first kills come as soon as there is a checkpoint, until one of them has left one to go on from.
        while ((killed < kills || resumed == 0) && killed < 2 * kills
            && (resumed == 0 ? broken.KillAtCheckpoint(cancellation) : broken.KillAfter(clock.Elapsed / (kills + 1) * random.NextDouble(), cancellation)))
        {
            killed++;
            bool cut = resumed > 0 && cuts <= killed / 2 && broken.CutShort();
            cuts += cut ? 1 : 0;
            resumed += !cut && broken.HasCheckpoint ? 1 : 0;
            tell($"{plan.Cells[0].Label}: killed {killed} of {kills}{(cut ? ", newest checkpoint and last line cut short" : "")}");
        }
        broken.Finish(cancellation);
        (int compared, IReadOnlyList<string> differences) = RunComparison.Compare(straight.Folder.Path, broken.Folder.Path);
        ResumeProof proof = new()
        {
            Cell = plan.Cells[0].Label,
            Shortened = $"trainings of at most {Steps} steps",
            Kills = killed,
            PowerCuts = cuts,
            Resumed = resumed,
            FilesCompared = compared,
            Identical = differences.Count == 0 && resumed > 0,
            Differences = differences,
            Date = DateTime.UtcNow,
        };
        RunFolder.Write(Path.Combine(folder.Path, FileName), proof);
        if (proof.Identical)
        {
            Directory.Delete(both, true);
        }
        return proof;
    }

    private static ResearchConfig Shorten(ResearchConfig config) => config with
    {
        Training = config.Training with { Autoencoder = Shorten(config.Training.Autoencoder), Model = Shorten(config.Training.Model) },
        Evaluation = config.Evaluation with
        {
            Samples = Math.Min(config.Evaluation.Samples, 16), HeldOut = Math.Min(config.Evaluation.HeldOut, 64),
            Reference = Math.Min(config.Evaluation.Reference, 64), GuidanceSamples = Math.Min(config.Evaluation.GuidanceSamples, 2),
            VerifierScenes = Math.Min(config.Evaluation.VerifierScenes, 2),
        },
    };

    private static T Shorten<T>(T trainer)
        where T : TrainerConfig => (T)(trainer with
    {
        Images = Math.Min(trainer.Images, Steps * (long)trainer.BatchSize),
        Warmup = Math.Min(trainer.Warmup, Steps / 4 * (long)trainer.BatchSize),
        LogEvery = Math.Min(trainer.LogEvery, 3 * (long)trainer.BatchSize),
        CheckpointEvery = Math.Min(trainer.CheckpointEvery, 6 * (long)trainer.BatchSize),
    });
}
