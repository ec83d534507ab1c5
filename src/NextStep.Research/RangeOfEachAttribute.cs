using System.Collections;
using System.ComponentModel.DataAnnotations;

namespace NextStep.Research;

/// <summary>The range of every number of a list.</summary>
/// <param name="minimum">The smallest that is allowed.</param>
/// <param name="maximum">The largest that is allowed.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class RangeOfEachAttribute(double minimum, double maximum) : RangeAttribute(minimum, maximum)
{
    /// <summary>How many numbers there are at least.</summary>
    public int Least { get; init; }

    /// <summary>How many there are at most.</summary>
    public int Most { get; init; } = int.MaxValue;

    /// <inheritdoc/>
    public override bool IsValid(object? value) => value is IEnumerable items and not string ? items.Cast<object?>().All(base.IsValid) : base.IsValid(value);
}
