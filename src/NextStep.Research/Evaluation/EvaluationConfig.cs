using System.ComponentModel.DataAnnotations;

namespace NextStep.Research;

/// <summary>The <c>evaluation</c> node.</summary>
public sealed record EvaluationConfig
{
    /// <summary>Pictures drawn per cell for the measurements.</summary>
    [Range(1, 1_000_000)]
    public int Samples { get; init; } = 100;

    /// <summary>Held-out pictures for reconstruction quality and losses.</summary>
    [Range(1, 1_000_000)]
    public int HeldOut { get; init; } = 256;

    /// <summary>Skills whose prompts are verified (shapes); empty = those of <c>data.skills</c>.</summary>
    public IReadOnlyList<string> Skills { get; init; } = [];
}
