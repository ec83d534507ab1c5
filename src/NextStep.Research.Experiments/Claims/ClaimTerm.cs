namespace NextStep.Research.Experiments;

/// <summary>How the left side is claimed to stand to the right one.</summary>
public enum ClaimRelation
{
    /// <summary>&lt; and ≤.</summary>
    Smaller,

    /// <summary>&gt; and ≥.</summary>
    Larger,

    /// <summary>= within a margin.</summary>
    Equal,
}

/// <summary>Left is smaller or larger than right, or equal within a margin.</summary>
/// <param name="Left">An expression.</param>
/// <param name="Relation">Which.</param>
/// <param name="Right">An expression.</param>
/// <param name="Text">As written, for people.</param>
/// <param name="Margin">Of an equality; null otherwise.</param>
internal sealed record ClaimComparison(ClaimTerm Left, ClaimRelation Relation, ClaimTerm Right, string Text, ClaimTerm? Margin = null)
{
    /// <summary>Both sides and the margin, and everything below them.</summary>
    public IEnumerable<ClaimTerm> Terms() => Left.Terms().Concat(Right.Terms()).Concat(Margin?.Terms() ?? []);
}

/// <summary>An expression of a claim.</summary>
internal abstract record ClaimTerm
{
    public sealed record Number(double Value) : ClaimTerm;

    /// <summary>Something that the results have a number for, one a seed.</summary>
    public abstract record Measured(string Name) : ClaimTerm;

    /// <summary>A metric of one arm.</summary>
    public sealed record Metric(string Name, string Arm) : Measured(Name)
    {
        public override string ToString() => $"{Name}[{Arm}]";
    }

    /// <summary>The slope of a metric over an axis, over the logarithm of a range with <c>scale: log</c>; null stands for the only axis.</summary>
    public sealed record Trend(string Name, string? Axis) : Measured(Name)
    {
        public override string ToString() => $"trend({Name}{(Axis is null ? "" : $", {Axis}")})";
    }

    /// <summary>A metric at the last value of an axis (of numbers the largest, of words the last in the file) minus that at the first, all other axes averaged over.</summary>
    public sealed record Effect(string Name, string? Axis) : Measured(Name)
    {
        public override string ToString() => $"effect({Name}{(Axis is null ? "" : $", {Axis}")})";
    }

    /// <summary>The effect of the first axis at the last value of the second minus that at its first value.</summary>
    public sealed record Interaction(string Name, string First, string Second) : Measured(Name)
    {
        public override string ToString() => $"interaction({Name}, {First}, {Second})";
    }

    public sealed record Operation(char Operator, ClaimTerm Left, ClaimTerm Right) : ClaimTerm;

    /// <summary>This and everything below it.</summary>
    public IEnumerable<ClaimTerm> Terms() => this is Operation o ? o.Left.Terms().Concat(o.Right.Terms()).Prepend(this) : [this];

    /// <summary>The value, given those that are measured; null where one is missing.</summary>
    public double? Evaluate(Func<Measured, double?> value) => this switch
    {
        Number n => n.Value,
        Operation o => o.Left.Evaluate(value) is { } a && o.Right.Evaluate(value) is { } b
            ? o.Operator switch { '+' => a + b, '-' => a - b, '*' => a * b, _ => a / b }
            : null,
        _ => value((Measured)this),
    };
}
