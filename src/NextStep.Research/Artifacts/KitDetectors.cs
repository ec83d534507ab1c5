namespace NextStep.Research;

/// <summary>Steps at the edges of tokens, and of the decoder's stride where that is another.</summary>
[Component("blockiness")]
public sealed record BlockinessArtifact : DetectorConfig
{
    /// <inheritdoc/>
    public override IReadOnlyList<IArtifactDetector> Build(TokenGrid grid) =>
        [new BlockEdges(grid.Token, grid.Token), .. StrideArtifacts.Differ(grid) ? (IArtifactDetector[])[new BlockEdges(grid.Stride, grid.Token, "blockiness.stride")] : []];
}

/// <summary>A comb of lines in the spectrum at the token's period.</summary>
[Component("grid")]
public sealed record GridArtifact : DetectorConfig
{
    /// <inheritdoc/>
    public override IReadOnlyList<IArtifactDetector> Build(TokenGrid grid) => [new CombDetector(grid.Token, grid.Token)];
}

/// <summary>A pattern that repeats with the token, and with the decoder's stride where that is another.</summary>
[Component("lattice")]
public sealed record LatticeArtifact : DetectorConfig
{
    /// <inheritdoc/>
    public override IReadOnlyList<IArtifactDetector> Build(TokenGrid grid) =>
        [new LatticeDetector(grid.Token), .. StrideArtifacts.Differ(grid) ? (IArtifactDetector[])[new LatticeDetector(grid.Stride, "lattice.stride")] : []];
}

/// <summary>Noise: mean, median and local.</summary>
[Component("noise")]
public sealed record NoiseArtifact : DetectorConfig
{
    /// <inheritdoc/>
    public override IReadOnlyList<IArtifactDetector> Build(TokenGrid grid) => [new MeanNoise(grid.Token), new MedianNoise(grid.Token), new LocalNoise(grid.Token)];
}

/// <summary>Regions of one colour.</summary>
[Component("flat")]
public sealed record FlatArtifact : DetectorConfig
{
    /// <inheritdoc/>
    public override IReadOnlyList<IArtifactDetector> Build(TokenGrid grid) => [new FlatRegions()];
}

/// <summary>Values at either end of the scale.</summary>
[Component("clipped")]
public sealed record ClippedArtifact : DetectorConfig
{
    /// <inheritdoc/>
    public override IReadOnlyList<IArtifactDetector> Build(TokenGrid grid) => [new ClippedValues()];
}

/// <summary>Whether the decoder's stride is a period of its own.</summary>
internal static class StrideArtifacts
{
    public static bool Differ(TokenGrid grid) => grid.Stride != grid.Token && grid.Stride > 2;
}
