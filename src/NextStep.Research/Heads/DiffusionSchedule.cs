namespace NextStep.Research;

/// <summary>
/// The noise schedule of a diffusion of T steps (Nichol and Dhariwal 2021, "Improved DDPM"): ᾱ(u) = cos²((u/T + 0.008)/1.008 · π/2),
/// β_i = min(1 − ᾱ(i + 1)/ᾱ(i), 0.999). Step 0 is nearest to the token, step T − 1 to the noise. Shorter schedules visit some of its steps and
/// keep their ᾱ.
/// </summary>
internal sealed class DiffusionSchedule
{
    private DiffusionSchedule(int[] steps, double[] kept)
    {
        (Steps, Kept) = (steps, kept);
        Beta = [.. kept.Select((a, i) => 1 - (a / Before(i)))];
        Posterior = [.. kept.Select((a, i) => Beta[i] * (1 - Before(i)) / (1 - a))];
    }

    /// <summary>Numbers of the steps in the whole schedule, ascending: what the network is told.</summary>
    public IReadOnlyList<int> Steps { get; }

    /// <summary>ᾱ_i, the share of the token's variance that is kept after step i: x_i = √ᾱ_i·x + √(1 − ᾱ_i)·ε.</summary>
    public IReadOnlyList<double> Kept { get; }

    /// <summary>β_i = 1 − ᾱ_i/ᾱ_(i−1).</summary>
    public IReadOnlyList<double> Beta { get; }

    /// <summary>β̃_i = β_i·(1 − ᾱ_(i−1))/(1 − ᾱ_i), the variance of x_(i−1) given x_i and x; 0 at the first.</summary>
    public IReadOnlyList<double> Posterior { get; }

    /// <summary>The cosine schedule of T steps.</summary>
    public static DiffusionSchedule Cosine(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        double[] kept = new double[count];
        double product = 1;
        for (int i = 0; i < count; i++)
        {
            kept[i] = product *= 1 - Math.Min(1 - (Curve(i + 1, count) / Curve(i, count)), 0.999);
        }
        return new DiffusionSchedule([.. Enumerable.Range(0, count)], kept);
    }

    /// <summary>As few as <paramref name="count"/> of its steps, evenly apart, first and last among them; of one step, the last.</summary>
    public DiffusionSchedule Respaced(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Kept.Count);
        int[] places = count == 1 ? [Kept.Count - 1] : [.. Enumerable.Range(0, count).Select(i => (int)Math.Round(i * (Kept.Count - 1.0) / (count - 1)))];
        return new DiffusionSchedule([.. places.Select(p => Steps[p])], [.. places.Select(p => Kept[p])]);
    }

    /// <summary>
    /// Ends of the learned variance's range as logarithms: β̃_i, of the first step the second's (its own is 0), and β_i (Nichol and Dhariwal 2021, eq. 15).
    /// </summary>
    public (double Low, double High) LogVariances(int step) =>
        (Math.Log(Math.Max(Posterior[Math.Max(step, Math.Min(1, Posterior.Count - 1))], 1e-20)), Math.Log(Beta[step]));

    private double Before(int index) => index == 0 ? 1 : Kept[index - 1];

    private static double Curve(int step, int count)
    {
        double cosine = Math.Cos((((double)step / count) + 0.008) / 1.008 * Math.PI / 2);
        return cosine * cosine;
    }
}
