namespace NextStep.Research;

/// <summary>
/// Signed distances of the eight shapes, scaled to a circumscribed circle of radius about one, y downwards.
/// Only +, −, ×, ÷ and the square root are used, so the values are the same bits on every platform.
/// </summary>
internal static class ShapeGeometry
{
    private const double SquareHalf = 0.80;
    private const double RingMiddle = 0.77;
    private const double RingHalfWidth = 0.23;
    private const double CrossHalfWidth = 0.33;
    private const double CrossLength = 0.97;
    private const double StarInner = 0.42;
    private const double LobeX = 0.47;
    private const double LobeY = -0.30;
    private const double LobeRadius = 0.47;
    private const double HeartTip = 0.92;

    // Sines and cosines of 18°, 36°, 54° and 72°, written out: library functions may differ in the last bit.
    private const double Sin18 = 0.30901699437494742;
    private const double Cos18 = 0.95105651629515357;
    private const double Sin36 = 0.58778525229247312;
    private const double Cos36 = 0.80901699437494742;
    private const double Cos30 = 0.86602540378443865;

    private static readonly double[] TrianglePoints = [0, -1, Cos30, 0.5, -Cos30, 0.5];
    private static readonly double[] DiamondPoints = [0, -1, 1, 0, 0, 1, -1, 0];
    private static readonly double[] StarPoints =
    [
        0, -1, Sin36 * StarInner, -Cos36 * StarInner,
        Cos18, -Sin18, Cos18 * StarInner, Sin18 * StarInner,
        Sin36, Cos36, 0, StarInner,
        -Sin36, Cos36, -Cos18 * StarInner, Sin18 * StarInner,
        -Cos18, -Sin18, -Sin36 * StarInner, -Cos36 * StarInner,
    ];

    private static readonly double[] CrossPoints =
    [
        -CrossHalfWidth, -CrossLength, CrossHalfWidth, -CrossLength, CrossHalfWidth, -CrossHalfWidth,
        CrossLength, -CrossHalfWidth, CrossLength, CrossHalfWidth, CrossHalfWidth, CrossHalfWidth,
        CrossHalfWidth, CrossLength, -CrossHalfWidth, CrossLength, -CrossHalfWidth, CrossHalfWidth,
        -CrossLength, CrossHalfWidth, -CrossLength, -CrossHalfWidth, -CrossHalfWidth, -CrossHalfWidth,
    ];

    private static readonly double[] HeartPoints = HeartBody();

    /// <summary>Signed distance from (x, y) to the outline, negative inside.</summary>
    public static double Distance(ShapeKind kind, double x, double y) => kind switch
    {
        ShapeKind.Circle => Length(x, y) - 1,
        ShapeKind.Square => Box(x, y, SquareHalf),
        ShapeKind.Triangle => Polygon(TrianglePoints, x, y),
        ShapeKind.Diamond => Polygon(DiamondPoints, x, y),
        ShapeKind.Star => Polygon(StarPoints, x, y),
        ShapeKind.Cross => Polygon(CrossPoints, x, y),
        ShapeKind.Ring => Math.Abs(Length(x, y) - RingMiddle) - RingHalfWidth,
        ShapeKind.Heart => Math.Min(Polygon(HeartPoints, x, y), Length(Math.Abs(x) - LobeX, y - LobeY) - LobeRadius),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such shape."),
    };

    private static double Length(double x, double y) => Math.Sqrt((x * x) + (y * y));

    private static double Box(double x, double y, double half)
    {
        double dx = Math.Abs(x) - half;
        double dy = Math.Abs(y) - half;
        return Length(Math.Max(dx, 0), Math.Max(dy, 0)) + Math.Min(Math.Max(dx, dy), 0);
    }

    /// <summary>Nearest edge for the size, crossing number for the sign.</summary>
    private static double Polygon(double[] points, double x, double y)
    {
        double nearest = double.MaxValue;
        bool inside = false;
        double ax = points[^2];
        double ay = points[^1];
        for (int i = 0; i < points.Length; i += 2)
        {
            double bx = points[i];
            double by = points[i + 1];
            double ex = bx - ax;
            double ey = by - ay;
            double t = Math.Clamp((((x - ax) * ex) + ((y - ay) * ey)) / ((ex * ex) + (ey * ey)), 0, 1);
            double dx = x - ax - (t * ex);
            double dy = y - ay - (t * ey);
            nearest = Math.Min(nearest, (dx * dx) + (dy * dy));
            if ((ay > y) != (by > y) && x < ax + ((y - ay) / ey * ex))
            {
                inside = !inside;
            }
            (ax, ay) = (bx, by);
        }
        double distance = Math.Sqrt(nearest);
        return inside ? -distance : distance;
    }

    /// <summary>The part below the two lobes: tip, tangent point, lobe centres, tangent point.</summary>
    private static double[] HeartBody()
    {
        double dx = -LobeX;
        double dy = HeartTip - LobeY;
        double squared = (dx * dx) + (dy * dy);
        double along = LobeRadius * LobeRadius / squared;
        double across = LobeRadius * Math.Sqrt(squared - (LobeRadius * LobeRadius)) / squared;
        double tangentX = LobeX + (along * dx) + (across * dy);
        double tangentY = LobeY + (along * dy) - (across * dx);
        return [0, HeartTip, tangentX, tangentY, LobeX, LobeY, -LobeX, LobeY, -tangentX, tangentY];
    }
}
