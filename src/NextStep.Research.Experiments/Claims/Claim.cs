using System.Text.Json.Serialization;

namespace NextStep.Research.Experiments;

/// <summary>
/// A sentence about the results and the test that decides it: comparisons joined by <c>and</c> or chained (<c>a &lt; b &lt; c</c>),
/// or equality within a margin (<c>a = b ± 0.1</c>), of numbers, <c>metric[arm]</c>, <c>trend(metric, axis)</c>,
/// <c>effect(metric, axis)</c> and <c>interaction(metric, axis, axis)</c>, with + − * / and parentheses. An only axis may be left out.
/// </summary>
/// <param name="Say">The sentence.</param>
/// <param name="Test">The test as written.</param>
public sealed record Claim(string Say, string Test)
{
    /// <summary>Where it stands.</summary>
    [JsonIgnore]
    public string File { get; init; } = "";

    /// <summary>The line there.</summary>
    [JsonIgnore]
    public int Line { get; init; }

    /// <summary>Checks the grammar.</summary>
    /// <exception cref="FormatException">One sentence with the column.</exception>
    public static Claim Parse(string say, string test)
    {
        _ = ClaimParser.Parse(test);
        return new Claim(say, test);
    }

    /// <summary>The metrics that it names.</summary>
    internal IEnumerable<string> Metrics() =>
        ClaimParser.Parse(Test).SelectMany(c => c.Left.Terms().Concat(c.Right.Terms())).OfType<ClaimTerm.Measured>().Select(m => m.Name).Distinct();

    /// <summary>What is wrong with the arms or axes it names.</summary>
    internal IEnumerable<string> Check(IReadOnlyList<Arm> arms, IReadOnlyDictionary<string, string> leftOut, IReadOnlyList<string> axes)
    {
        ArmPoint[] points = [.. arms.Select(ArmPoint.From)];
        IEnumerable<ClaimTerm> terms = ClaimParser.Parse(Test).SelectMany(c => c.Terms());
        return terms.SelectMany(term => term switch
        {
            ClaimTerm.Metric m => CheckArm(m.Arm, points, leftOut),
            ClaimTerm.Trend t => CheckAxis(t.Axis, $"trend({t.Name}, axis)", axes),
            ClaimTerm.Effect e => CheckAxis(e.Axis, $"effect({e.Name}, axis)", axes),
            ClaimTerm.Interaction i when ArmPoint.FindAxis(axes, i.First) is { } axis && axis == ArmPoint.FindAxis(axes, i.Second) =>
                [$"'{Test}' names the axis '{axis}' twice; an interaction is between two"],
            ClaimTerm.Interaction i => CheckAxis(i.First, "", axes).Concat(CheckAxis(i.Second, "", axes)),
            _ => [],
        }).Distinct();
    }

    private IEnumerable<string> CheckArm(string arm, ArmPoint[] points, IReadOnlyDictionary<string, string> leftOut)
    {
        if (ArmPoint.Find(points, arm) is null)
        {
            yield return leftOut.TryGetValue(arm, out string? reason)
                ? $"'{Test}' names the arm '{arm}', which is there only {reason}"
                : $"'{Test}' names the arm '{arm}'{NearestName.Hint(arm, [.. points.Select(p => p.Name)])}";
        }
    }

    private IEnumerable<string> CheckAxis(string? axis, string example, IReadOnlyList<string> axes)
    {
        if (ArmPoint.FindAxis(axes, axis) is null)
        {
            yield return axis is null
                ? $"'{Test}' needs exactly one axis, or its name: {example}"
                : $"'{Test}' names the axis '{axis}'{NearestName.Hint(axis, axes)}";
        }
    }
}
