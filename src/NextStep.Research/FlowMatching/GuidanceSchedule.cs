namespace NextStep.Research;

/// <summary>How guidance changes over the raster order (spec §3.6).</summary>
public enum GuidanceSchedule
{
    /// <summary>The same for every token.</summary>
    Constant,

    /// <summary>First release: falls from the scale to 1.</summary>
    LinearDecreasing,

    /// <summary>Later code: rises from half the scale.</summary>
    LinearIncreasing,
}
