namespace NextStep.Research.Experiments;

/// <summary>One kind of work in a cell: autoencoder → latents → model → post → samples → metrics.</summary>
/// <param name="Kind">Its name, also in folder names.</param>
/// <param name="Version">Raised whenever the same configuration would give other results; part of the key.</param>
/// <param name="Reads">Config paths that it reads; a path names its whole subtree.</param>
/// <param name="After">Kinds whose output it reads.</param>
/// <param name="Shared">True: lives in <c>stages/&lt;kind&gt;-&lt;key&gt;</c> and is run once for all cells with that key; false: runs in the cell's folder.</param>
/// <param name="Run">Does the work, resuming from what <see cref="StageContext.Directory"/> already holds.</param>
public sealed record StageDefinition(
    string Kind, int Version, IReadOnlyList<string> Reads, IReadOnlyList<string> After, bool Shared, Action<StageContext> Run)
{
    /// <summary>What its time grows with, for estimates; null where it does not grow.</summary>
    public StageWork? Work { get; init; }

    /// <summary>Whether a configuration needs it; null: every one does. Stages after it that do not find it use what is there.</summary>
    public Func<ResearchConfig, bool>? When { get; init; }

    /// <summary>Names and patterns of the numbers that it gives; null: all that no other stage gives.</summary>
    public IReadOnlyList<string>? Numbers { get; init; }

    /// <summary>The stages that a configuration needs, each after those of them alone.</summary>
    internal static StageDefinition[] Needed(IReadOnlyList<StageDefinition> stages, ResearchConfig config)
    {
        HashSet<string> left = [.. stages.Where(s => s.When?.Invoke(config) == false).Select(s => s.Kind)];
        return left.Count == 0 ? [.. stages] : [.. stages.Where(s => !left.Contains(s.Kind)).Select(s => s with { After = [.. s.After.Where(a => !left.Contains(a))] })];
    }
}

/// <summary>The amount of a stage's work.</summary>
/// <param name="Path">A config path with a whole number, for instance of images.</param>
/// <param name="Probe">An amount that takes seconds.</param>
public sealed record StageWork(string Path, int Probe);

/// <summary>What a stage gets.</summary>
public sealed record StageContext
{
    /// <summary>The cell's whole configuration.</summary>
    public required ResearchConfig Config { get; init; }

    /// <summary>Where to write: a temporary folder that survives a crash, renamed by the caller when the stage returns.</summary>
    public required string Directory { get; init; }

    /// <summary>Folders of the earlier stages by kind.</summary>
    public required IReadOnlyDictionary<string, string> Inputs { get; init; }

    /// <summary>Called with done and total images (or steps) and the newest metrics, for progress display.</summary>
    public required Action<StageProgress> Progress { get; init; }

    /// <summary>Told in a sentence what a person should know although the stage goes on.</summary>
    public Action<string> Note { get; init; } = _ => { };

    /// <summary>The finished folder of the same training over fewer images, whose newest state may be gone on from, to the same bits; null: none.</summary>
    public string? Earlier { get; init; }

    /// <summary>Whether a longer training may go on from this one's end, which is then kept as a state.</summary>
    public bool GoesOn { get; init; }

    /// <summary>Ctrl-C, or a cluster that wants its node back: the stage saves a checkpoint and throws <see cref="OperationCanceledException"/>.</summary>
    public required CancellationToken Cancellation { get; init; }
}

/// <summary>How far a stage is.</summary>
public sealed record StageProgress(long Done, long Total, string Unit, IReadOnlyDictionary<string, double> Metrics);
