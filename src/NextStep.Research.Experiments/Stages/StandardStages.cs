namespace NextStep.Research.Experiments;

/// <summary>The stages of every experiment, in order.</summary>
public static class StandardStages
{
    /// <summary>autoencoder → latents → model → samples → metrics.</summary>
    public static IReadOnlyList<StageDefinition> All { get; } = [];
}
