namespace NextStep.Research;

/// <summary>
/// Pixels as mixtures of the background and one palette colour: edge pixels lie on the straight line between the two.
/// </summary>
internal sealed class ColorSegments
{
    private readonly float[][] _planes;
    private readonly double[] _ground;
    private readonly double[][] _directions;
    private readonly double[] _squares;

    public ColorSegments(float[][] planes, SceneBackground background)
    {
        _planes = planes;
        _ground = Unit(ShapePalette.Of(background));
        _directions = [.. Enum.GetValues<ShapeColor>().Select(c => Unit(ShapePalette.Of(c)).Zip(_ground, (a, b) => a - b).ToArray())];
        _squares = [.. _directions.Select(d => d.Sum(v => v * v))];
    }

    /// <summary>RGB distance of the colour from the ground.</summary>
    public double Contrast(int color) => Math.Sqrt(_squares[color]);

    /// <summary>Unclamped share of the colour in a pixel.</summary>
    public double Share(int color, int pixel)
    {
        double[] d = _directions[color];
        return (((_planes[0][pixel] - _ground[0]) * d[0]) + ((_planes[1][pixel] - _ground[1]) * d[1]) + ((_planes[2][pixel] - _ground[2]) * d[2])) / _squares[color];
    }

    /// <summary>The segment nearest to a pixel, the share on it, and the pixel's distance from the ground.</summary>
    public (int Color, double Share, double FromGround) Nearest(int pixel)
    {
        double r = _planes[0][pixel] - _ground[0];
        double g = _planes[1][pixel] - _ground[1];
        double b = _planes[2][pixel] - _ground[2];
        (int color, double share, double best) = (0, 0, double.MaxValue);
        for (int c = 0; c < _directions.Length; c++)
        {
            double[] d = _directions[c];
            double s = Math.Clamp(((r * d[0]) + (g * d[1]) + (b * d[2])) / _squares[c], 0, 1);
            double x = r - (s * d[0]);
            double y = g - (s * d[1]);
            double z = b - (s * d[2]);
            double distance = (x * x) + (y * y) + (z * z);
            if (distance < best)
            {
                (color, share, best) = (c, s, distance);
            }
        }
        return (color, share, Math.Sqrt((r * r) + (g * g) + (b * b)));
    }

    /// <summary>Channels in [0, 1].</summary>
    public static double[] Unit((byte R, byte G, byte B) value) => [value.R / 255.0, value.G / 255.0, value.B / 255.0];
}
