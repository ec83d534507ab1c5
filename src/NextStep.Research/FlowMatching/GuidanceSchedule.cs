namespace NextStep.Research;

/// <summary>The <c>sampling.guidanceSchedule</c> node: how guidance changes over the raster order (spec §3.6).</summary>
public abstract record GuidanceSchedule : ComponentConfig
{
    /// <summary>The same for every token.</summary>
    public static GuidanceSchedule Constant { get; } = new ConstantGuidance();

    /// <summary>First release: falls from the scale to 1.</summary>
    public static GuidanceSchedule LinearDecreasing { get; } = new DecreasingGuidance();

    /// <summary>Later code: rises from half the scale.</summary>
    public static GuidanceSchedule LinearIncreasing { get; } = new IncreasingGuidance();

    /// <summary>The scale for the token after <paramref name="produced"/> of <paramref name="total"/>.</summary>
    public abstract double At(double scale, int produced, int total);
}

/// <summary><see cref="GuidanceSchedule.Constant"/>.</summary>
[Component("constant")]
public sealed record ConstantGuidance : GuidanceSchedule
{
    /// <inheritdoc/>
    public override double At(double scale, int produced, int total) => scale;
}

/// <summary><see cref="GuidanceSchedule.LinearDecreasing"/>: 1 + (s − 1)·(L − i)/L.</summary>
[Component("linear-decreasing")]
public sealed record DecreasingGuidance : GuidanceSchedule
{
    /// <inheritdoc/>
    public override double At(double scale, int produced, int total) => 1 + ((scale - 1) * (total - produced) / total);
}

/// <summary><see cref="GuidanceSchedule.LinearIncreasing"/>: max(s/2, 1 + (s − 1)·i/L).</summary>
[Component("linear-increasing")]
public sealed record IncreasingGuidance : GuidanceSchedule
{
    /// <inheritdoc/>
    public override double At(double scale, int produced, int total) => Math.Max(scale / 2, 1 + ((scale - 1) * produced / total));
}

/// <summary>The <c>sampling.stepSchedule</c> node: how many solver steps a token gets.</summary>
public abstract record StepSchedule : ComponentConfig
{
    /// <summary>Steps, at least 1, of token <paramref name="index"/> of <paramref name="total"/>, where <paramref name="steps"/> are configured.</summary>
    public abstract int At(int steps, int index, int total);
}

/// <summary>The same for every token.</summary>
[Component("constant")]
public sealed record ConstantSteps : StepSchedule
{
    /// <inheritdoc/>
    public override int At(int steps, int index, int total) => steps;
}

/// <summary>In a straight line over the raster order, rounded: fewer towards the end, where a token is nearly decided by those before it (spec §10.3, DiSA).</summary>
[Component("linear")]
public sealed record LinearSteps : StepSchedule
{
    /// <summary>Steps of the last token; null = as many as of the first.</summary>
    [System.ComponentModel.DataAnnotations.Range(1, 1000)]
    public int? Final { get; init; }

    /// <inheritdoc/>
    public override int At(int steps, int index, int total) => Final is not { } final || total == 1
        ? steps
        : (int)Math.Round(steps + ((final - steps) * (double)index / (total - 1)), MidpointRounding.AwayFromZero);
}
