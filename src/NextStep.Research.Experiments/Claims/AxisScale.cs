using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>
/// Which values of an axis come first and how far they lie apart: numbers ascend and lie at their values (at the natural logarithm
/// of them where the file says <c>scale: log</c>), anything else lies at its place in the file's list.
/// </summary>
/// <param name="Axis">Config path.</param>
/// <param name="Values">Those that arms have, in order.</param>
/// <param name="Numbers">Whether all are numbers.</param>
/// <param name="Log">Whether positions are logarithms.</param>
public sealed record AxisScale(string Axis, IReadOnlyList<string> Values, bool Numbers, bool Log)
{
    /// <summary>Null where no arm lies on the axis, and where values are words whose order an earlier version of this program did not keep.</summary>
    public static AxisScale? Of(Plan plan, string axis)
    {
        ArgumentNullException.ThrowIfNull(plan);
        string[] values = [.. plan.Arms.Select(a => a.Coordinates.GetValueOrDefault(axis)).OfType<string>().Distinct()];
        PlannedAxis? known = plan.AxisValues.GetValueOrDefault(axis);
        if (values.Length == 0)
        {
            return null;
        }
        if (values.All(v => ClaimParser.TryNumber(v, out _)))
        {
            return new AxisScale(axis, [.. values.OrderBy(Number)], true, known?.Log == true && values.All(v => Number(v) > 0));
        }
        return known is not null && values.All(known.Values.Contains)
            ? new AxisScale(axis, [.. known.Values.Where(values.Contains).Distinct()], false, false)
            : null;
    }

    /// <summary>Where a value lies.</summary>
    public double Position(string value) => !Numbers ? Values.ToList().IndexOf(value) : Log ? Math.Log(Number(value)) : Number(value);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
