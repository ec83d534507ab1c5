namespace NextStep.Research.Experiments;

/// <summary>What a stage measured along an axis: one or more lines over the same positions; kept in <c>curves.json</c> of a cell.</summary>
/// <param name="Title">What is shown, in words.</param>
/// <param name="XTitle">The axis, with its unit.</param>
/// <param name="YTitle">The quantity, with its unit.</param>
/// <param name="X">Positions, ascending.</param>
/// <param name="Lines">Values at the positions by name of the line; NaN where nothing was measured.</param>
public sealed record Curve(
    string Title, string XTitle, string YTitle, IReadOnlyList<double> X, IReadOnlyDictionary<string, IReadOnlyList<double>> Lines)
{
    /// <summary>The file of a stage and of a cell.</summary>
    public const string FileName = "curves.json";
}
