namespace NextStep.Research.Experiments;

/// <summary>Left is smaller (or larger) than right.</summary>
/// <param name="Left">An expression.</param>
/// <param name="Larger">True for &gt; and ≥, false for &lt; and ≤.</param>
/// <param name="Right">An expression.</param>
internal sealed record ClaimComparison(ClaimTerm Left, bool Larger, ClaimTerm Right);

/// <summary>An expression of a claim.</summary>
internal abstract record ClaimTerm
{
    public sealed record Number(double Value) : ClaimTerm;

    /// <summary>A metric of one arm.</summary>
    public sealed record Metric(string Name, string Arm) : ClaimTerm;

    /// <summary>The slope of a metric over an axis; null stands for the only axis.</summary>
    public sealed record Trend(string Name, string? Axis) : ClaimTerm;

    public sealed record Operation(char Operator, ClaimTerm Left, ClaimTerm Right) : ClaimTerm;

    /// <summary>This and everything below it.</summary>
    public IEnumerable<ClaimTerm> Terms() => this is Operation o ? o.Left.Terms().Concat(o.Right.Terms()).Prepend(this) : [this];

    /// <summary>The value, given those of metrics and trends; null where one is missing.</summary>
    public double? Evaluate(Func<ClaimTerm, double?> value) => this switch
    {
        Number n => n.Value,
        Operation o => o.Left.Evaluate(value) is { } a && o.Right.Evaluate(value) is { } b
            ? o.Operator switch { '+' => a + b, '-' => a - b, '*' => a * b, _ => a / b }
            : null,
        _ => value(this),
    };
}
