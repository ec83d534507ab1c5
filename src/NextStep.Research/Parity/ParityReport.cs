namespace NextStep.Research;

/// <summary>The outcome of one comparison.</summary>
internal enum ParityVerdict
{
    /// <summary>Within the tolerance.</summary>
    Pass,

    /// <summary>Outside it, or of another shape.</summary>
    Fail,

    /// <summary>Could not be run or compared.</summary>
    Error,

    /// <summary>Left out on purpose; the note says why.</summary>
    Skip,
}

/// <summary>One comparison.</summary>
/// <param name="File">File name without folder.</param>
/// <param name="Case">The case in it.</param>
/// <param name="Tensor">The recorded tensor.</param>
/// <param name="Worst">Largest |recorded − ours|; null when there is none or it is not finite.</param>
/// <param name="Tolerance">What is allowed; null when nothing was compared.</param>
/// <param name="Verdict">The outcome.</param>
/// <param name="Note">What went wrong or was special; empty otherwise.</param>
internal sealed record ParityRow(string File, string Case, string Tensor, double? Worst, double? Tolerance, ParityVerdict Verdict, string Note = "");

/// <summary>All comparisons of a run.</summary>
internal sealed record ParityReport(IReadOnlyList<ParityRow> Rows)
{
    /// <summary>True when something was compared and nothing failed.</summary>
    public bool Passed => Rows.Any(r => r.Verdict == ParityVerdict.Pass) && !Rows.Any(r => r.Verdict is ParityVerdict.Fail or ParityVerdict.Error);

    /// <summary>Rows with a verdict.</summary>
    public int Count(ParityVerdict verdict) => Rows.Count(r => r.Verdict == verdict);
}
