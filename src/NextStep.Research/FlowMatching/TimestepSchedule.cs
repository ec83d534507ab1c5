namespace NextStep.Research;

/// <summary>Times at which the velocity is evaluated; t = 0 is noise, t = 1 is data (spec §3.3–3.5).</summary>
public static class TimestepSchedule
{
    /// <summary>Step that ends the first release's sampler, whatever the shift.</summary>
    public const float ReferenceLastStep = 0.04f;

    /// <summary>t / (s − (s − 1)·t): s &gt; 1 concentrates steps near the noise end.</summary>
    public static float Shift(float t, double shift) => (float)(t / (shift - ((shift - 1) * t)));

    /// <summary>N + 1 times from 0 to 1: shifted i/N, i &lt; N, then 1 (spec §3.5b).</summary>
    /// <param name="steps">N ≥ 1.</param>
    /// <param name="shift">s &gt; 0.</param>
    public static float[] Grid(int steps, double shift)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        return [.. Enumerable.Range(0, steps).Select(i => Shift((float)i / steps, shift)), 1f];
    }

    /// <summary>The first release's N times: shifted (1 − δ)·i/(N − 1) (spec §3.4); the last step from the last of them has length δ.</summary>
    /// <param name="steps">N ≥ 2.</param>
    /// <param name="shift">s &gt; 0.</param>
    /// <param name="lastStep">δ.</param>
    public static float[] ReferenceGrid(int steps, double shift, float lastStep = ReferenceLastStep)
    {
        if (steps < 2)
        {
            throw new ArgumentOutOfRangeException(nameof(steps), steps, "The reference sampler needs at least 2 steps; use solver ode for fewer.");
        }
        return [.. Enumerable.Range(0, steps).Select(i => Shift((1 - lastStep) * i / (steps - 1), shift))];
    }
}
