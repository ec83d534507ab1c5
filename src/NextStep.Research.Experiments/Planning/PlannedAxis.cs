namespace NextStep.Research.Experiments;

/// <summary>The values of an axis in the order of the experiment file.</summary>
/// <param name="Values">As text, as arms carry them.</param>
/// <param name="Log">Whether it is a range with <c>scale: log</c>: slopes are then fitted on the natural logarithm of the values.</param>
public sealed record PlannedAxis(IReadOnlyList<string> Values, bool Log);
