using System.Collections.Concurrent;

namespace NextStep.Research;

/// <summary>
/// Weights of Lanczos-3 resampling along one axis, widened by the reduction factor so that shrinking does not alias; borders renormalise.
/// Follows the definition used by Pillow. The last lengths are remembered.
/// </summary>
internal sealed class LanczosTaps
{
    private const double Lobes = 3;
    private const int Remembered = 64, RememberedCells = 1 << 18;

    private static readonly ConcurrentDictionary<(int From, int To), LanczosTaps> Known = new();

    private float[]? _matrix;

    private LanczosTaps(int from, int to)
    {
        double scale = (double)from / to, stretch = Math.Max(scale, 1);
        (First, Weights) = (new int[to], new float[to][]);
        for (int o = 0; o < to; o++)
        {
            double centre = (o + 0.5) * scale, sum = 0;
            int first = Math.Max(0, (int)Math.Floor(centre - (Lobes * stretch)));
            double[] row = new double[Math.Min(from - 1, (int)Math.Ceiling(centre + (Lobes * stretch))) - first + 1];
            for (int i = 0; i < row.Length; i++)
            {
                row[i] = Lanczos((first + i + 0.5 - centre) / stretch);
                sum += row[i];
            }
            (First[o], Weights[o]) = (first, [.. row.Select(w => (float)(w / sum))]);
        }
    }

    /// <summary>The first input of each output.</summary>
    public int[] First { get; }

    /// <summary>The weights of each output, from its first input on.</summary>
    public float[][] Weights { get; }

    /// <summary>From one length to another.</summary>
    public static LanczosTaps Of(int from, int to)
    {
        if (Known.TryGetValue((from, to), out LanczosTaps? known))
        {
            return known;
        }
        if (Known.Count >= Remembered)
        {
            Known.Clear();
        }
        return Known[(from, to)] = new LanczosTaps(from, to);
    }

    /// <summary>As a matrix [to, from]; not to be written to.</summary>
    public float[] Matrix(int from)
    {
        if (_matrix is not null)
        {
            return _matrix;
        }
        float[] matrix = new float[First.Length * from];
        for (int o = 0; o < First.Length; o++)
        {
            Weights[o].CopyTo(matrix, (o * from) + First[o]);
        }
        return matrix.Length <= RememberedCells ? _matrix = matrix : matrix;
    }

    private static double Lanczos(double x)
    {
        if (Math.Abs(x) < 1e-9)
        {
            return 1;
        }
        double p = Math.PI * x;
        return Math.Abs(x) >= Lobes ? 0 : Lobes * Math.Sin(p) * Math.Sin(p / Lobes) / (p * p);
    }
}
