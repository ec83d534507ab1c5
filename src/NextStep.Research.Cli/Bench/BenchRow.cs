using System.Globalization;

namespace NextStep.Research.Cli;

/// <summary>One measured case of <c>nextstep bench</c>.</summary>
/// <param name="Case">Its name on the command line.</param>
/// <param name="Work">What was done.</param>
/// <param name="Milliseconds">Median time of it.</param>
/// <param name="Against">What it is compared with.</param>
/// <param name="Value">The number that counts.</param>
/// <param name="Target">What it should be.</param>
internal sealed record BenchRow(string Case, string Work, double Milliseconds, string Against, BenchValue Value, BenchValue? Target)
{
    /// <summary>Further numbers by name.</summary>
    public IReadOnlyDictionary<string, double> Details { get; init; } = new Dictionary<string, double>();

    /// <summary>Null where there is no target or no number.</summary>
    public bool? Met => Target is null || double.IsNaN(Value.Number) ? null
        : Value.Kind is BenchKind.ShareAtMost ? Value.Number <= Target.Number : Value.Number >= Target.Number;

    /// <summary>How a line of the table says it.</summary>
    public string Verdict => Met switch { null => "", true => "met", false => "missed" };
}

/// <summary>How a number is meant.</summary>
internal enum BenchKind
{
    /// <summary>So many times as fast.</summary>
    Speedup,

    /// <summary>A share that should be large.</summary>
    Share,

    /// <summary>A share that should be small.</summary>
    ShareAtMost,
}

/// <summary>A number with its meaning.</summary>
internal sealed record BenchValue(BenchKind Kind, double Number)
{
    /// <inheritdoc/>
    public override string ToString() => double.IsNaN(Number) ? "–"
        : Kind == BenchKind.Speedup ? string.Create(CultureInfo.InvariantCulture, $"{Number:F1}×")
        : string.Create(CultureInfo.InvariantCulture, $"{Number:P0}").Replace(" ", " ", StringComparison.Ordinal);
}

/// <summary>What all cases need to know.</summary>
/// <param name="Rounds">Measured rounds.</param>
/// <param name="Naive">Whether the op-by-op form runs in turn with ours.</param>
internal sealed record BenchOptions(int Rounds, bool Naive);
