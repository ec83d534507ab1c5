namespace NextStep.Research.Experiments;

/// <summary><c>result.json</c> of a cell: the only definition of done.</summary>
public sealed record CellResult
{
    /// <summary>The cell's key (hash of its configuration and stage keys).</summary>
    public required string Cell { get; init; }

    /// <summary>The arm's name: <c>baseline</c> or the difference from it, for instance <c>noiseStrength=0</c>.</summary>
    public required string Arm { get; init; }

    /// <summary>The seed.</summary>
    public required long Seed { get; init; }

    /// <summary>Final numbers by name: <c>autoencoder.psnr</c>, <c>flow.loss</c>, <c>alignment</c>, <c>alignment.single</c> …</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>Stage folders relative to the run folder, by kind.</summary>
    public required IReadOnlyDictionary<string, string> Stages { get; init; }

    /// <summary>Pictures for the report, relative to the cell's folder, by role: <c>samples</c>, <c>reconstructions</c>.</summary>
    public required IReadOnlyDictionary<string, string> Pictures { get; init; }

    /// <summary>Prompts of the sample grid, in the order of its cells.</summary>
    public required IReadOnlyList<string> Prompts { get; init; }

    /// <summary>Which pictures are right, one by one, by the name of the metric that is their share; empty in results of earlier versions.</summary>
    public IReadOnlyDictionary<string, PictureOutcomes> Outcomes { get; init; } = new Dictionary<string, PictureOutcomes>();

    /// <summary>Seconds spent per stage; shared stages count in the cell that ran them.</summary>
    public required IReadOnlyDictionary<string, double> Seconds { get; init; }

    /// <summary>
    /// Where it comes from: commit and uncommitted changes (a file in <c>provenance/</c>), packages, libtorch, device, machine and
    /// command of the process that ended the cell. The resolved configuration is <c>config.yaml</c> beside the result.
    /// </summary>
    public IReadOnlyDictionary<string, string> Provenance { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Where a number depends on more than the pictures (a feature extractor, a reference set, a sample count), a text that
    /// says on what, by metric name. Numbers of different identities are never compared.
    /// </summary>
    public IReadOnlyDictionary<string, string> Identities { get; init; } = new Dictionary<string, string>();

    /// <summary>Which code ran each stage (<see cref="CodeIdentity"/>), by kind; empty text for stages of before it was noted.</summary>
    public IReadOnlyDictionary<string, string> Code { get; init; } = new Dictionary<string, string>();
}
