namespace NextStep.Research;

/// <summary>Noise estimation and smoothing of small planar pictures: float[3][size²], channels in [0, 1].</summary>
internal static class NoiseLevel
{
    /// <summary>Times that the response of white noise is wider than the noise: √36, the root of the sum of the squares of the mask.</summary>
    public const double Gain = 6;

    /// <summary>The median of |x| of a standard normal.</summary>
    public const double MedianOfNormal = 0.6745;

    /// <summary>
    /// Standard deviation after Immerkær 1996: response of [1 −2 1; −2 4 −2; 1 −2 1], here with the median of the
    /// absolute values (over 0.6745·6) in place of the mean, because outlines must not count. The detectors
    /// (<c>NoiseResponse</c>) ask whole sets of any size for maps, by torch, without what repeats in every token; the verifier asks one small picture at a
    /// time, which costs less than a call into torch, and its verdicts hang on these very numbers.
    /// </summary>
    public static double Estimate(float[][] planes, int size)
    {
        float[] responses = new float[3 * (size - 2) * (size - 2)];
        int n = 0;
        foreach (float[] p in planes)
        {
            for (int y = 1; y < size - 1; y++)
            {
                for (int i = (y * size) + 1; i < (y * size) + size - 1; i++)
                {
                    float up = p[i - size - 1] - (2 * p[i - size]) + p[i - size + 1];
                    float middle = p[i - 1] - (2 * p[i]) + p[i + 1];
                    float down = p[i + size - 1] - (2 * p[i + size]) + p[i + size + 1];
                    responses[n++] = Math.Abs(up - (2 * middle) + down);
                }
            }
        }
        Array.Sort(responses);
        return responses[n / 2] / (MedianOfNormal * Gain);
    }

    /// <summary>One pass of the 3×3 binomial; borders repeat. Lowers white noise to 3/8 of its standard deviation.</summary>
    public static float[] Smooth(float[] plane, int size)
    {
        float[] rows = new float[plane.Length];
        float[] result = new float[plane.Length];
        for (int y = 0; y < size; y++)
        {
            for (int x = 0; x < size; x++)
            {
                int i = (y * size) + x;
                rows[i] = (0.25f * (plane[x > 0 ? i - 1 : i] + plane[x < size - 1 ? i + 1 : i])) + (0.5f * plane[i]);
            }
        }
        for (int y = 0; y < size; y++)
        {
            for (int x = 0; x < size; x++)
            {
                int i = (y * size) + x;
                result[i] = (0.25f * (rows[y > 0 ? i - size : i] + rows[y < size - 1 ? i + size : i])) + (0.5f * rows[i]);
            }
        }
        return result;
    }
}
