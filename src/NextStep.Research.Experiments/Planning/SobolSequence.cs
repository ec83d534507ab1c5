namespace NextStep.Research.Experiments;

/// <summary>
/// The Sobol' sequence in Gray-code order (Antonov and Saleev 1979) with the direction numbers of Joe and Kuo (2008), and a digital
/// shift: the points of any 2ᵏ in a row fill the cube evenly, and each is uniform by itself.
/// </summary>
internal sealed class SobolSequence
{
    private const int Bits = 32;

    // A dimension a row, from the second: the polynomial's inner coefficients, then the initial numbers.
    private static readonly uint[][] Joe =
    [
        [0, 1], [1, 1, 3], [1, 1, 3, 1], [2, 1, 1, 1], [1, 1, 1, 3, 3], [4, 1, 3, 5, 13], [2, 1, 1, 5, 5, 17], [4, 1, 1, 5, 5, 5], [7, 1, 1, 7, 11, 19],
        [11, 1, 1, 5, 1, 1], [13, 1, 1, 1, 3, 11], [14, 1, 3, 5, 5, 31], [1, 1, 3, 3, 9, 7, 49], [13, 1, 1, 1, 15, 21, 21], [16, 1, 3, 1, 13, 27, 49],
    ];

    private readonly uint[][] _directions;
    private readonly uint[] _point;
    private uint _index;

    /// <summary>From the first point on.</summary>
    /// <param name="shift">A number a dimension that every coordinate's bits are flipped by; zeros: the plain sequence.</param>
    public SobolSequence(IReadOnlyList<uint> shift)
    {
        _directions = [.. Enumerable.Range(0, shift.Count).Select(Directions)];
        _point = [.. shift];
    }

    /// <summary>The largest number of dimensions.</summary>
    public static int MostDimensions => Joe.Length + 1;

    /// <summary>The next point, each coordinate in [0, 1).</summary>
    public double[] Next()
    {
        double[] values = [.. _point.Select(p => p / 4294967296.0)];
        int changed = System.Numerics.BitOperations.TrailingZeroCount(~_index++);
        for (int d = 0; d < _point.Length; d++)
        {
            _point[d] ^= _directions[d][changed];
        }
        return values;
    }

    private static uint[] Directions(int dimension)
    {
        uint[] directions = new uint[Bits];
        uint[] row = dimension == 0 ? [] : Joe[dimension - 1];
        int degree = row.Length - 1;
        for (int i = 0; i < Bits; i++)
        {
            if (dimension == 0 || i < degree)
            {
                directions[i] = (dimension == 0 ? 1 : row[i + 1]) << (Bits - 1 - i);
                continue;
            }
            directions[i] = directions[i - degree] ^ (directions[i - degree] >> degree);
            for (int k = 1; k < degree; k++)
            {
                directions[i] ^= ((row[0] >> (degree - 1 - k)) & 1) * directions[i - k];
            }
        }
        return directions;
    }
}
