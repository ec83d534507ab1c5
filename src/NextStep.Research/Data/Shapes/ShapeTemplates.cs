namespace NextStep.Research;

/// <summary>A square patch of colour shares around a possible object.</summary>
/// <param name="Left">Column of its first pixel; may lie outside the picture.</param>
/// <param name="Top">Row of its first pixel; may lie outside the picture.</param>
/// <param name="Side">Pixels per side.</param>
/// <param name="Values">Shares, row by row; NaN where another object or the picture's border hides them.</param>
internal sealed record SharePatch(int Left, int Top, int Side, double[] Values);

/// <summary>How well a template fits: lower is better.</summary>
internal readonly record struct TemplateFit(ShapeKind Kind, double X, double Y, double Radius, int Blur, double Residual, double Energy, double Amplitude);

/// <summary>Matched filters: coverage of the eight shapes at any radius, sub-pixel position and one of four blurs.</summary>
internal static class ShapeTemplates
{
    private const int TableSide = 161;
    private const double TableReach = 1.6;
    private const double LeastAmplitude = 0.6;
    private const double MostAmplitude = 1.15;

    /// <summary>Standard deviations of the blur in pixels.</summary>
    private static readonly double[] Blurs = [0, 0.6, 1.0, 1.5];
    private static readonly double[][] Kernels = [.. Blurs.Select(Kernel)];
    private static readonly float[][] Distances = [.. Enum.GetValues<ShapeKind>().Select(Table)];

    /// <summary>Area and centroid height of each shape at radius one: they give the first guess of radius and centre.</summary>
    private static readonly (double Area, double CentroidY)[] Moments = [.. Enum.GetValues<ShapeKind>().Select(Moment)];

    /// <summary>
    /// The best template for the patch: all shapes and blurs at the radius that the mass gives, then the three best
    /// refined in position, radius and blur.
    /// </summary>
    public static TemplateFit Best(SharePatch patch, double mass, double centroidX, double centroidY)
    {
        double[] work = new double[2 * patch.Values.Length];
        List<TemplateFit> first = [];
        foreach (ShapeKind kind in Enum.GetValues<ShapeKind>())
        {
            double guess = Math.Sqrt(mass / Moments[(int)kind].Area);
            TemplateFit best = new(kind, 0, 0, 0, 0, double.MaxValue, 1, 1);
            foreach (double stretch in (double[])[0.94, 1.0, 1.06])
            {
                double radius = guess * stretch;
                for (int blur = 0; blur < Blurs.Length; blur++)
                {
                    best = Better(best, Fit(patch, kind, centroidX, centroidY - (Moments[(int)kind].CentroidY * radius), radius, blur, work));
                }
            }
            first.Add(best);
        }
        TemplateFit[] finalists = [.. first.OrderBy(f => f.Residual).Take(3)];
        return finalists.Select(f => Refine(patch, f, work)).MinBy(f => f.Residual);
    }

    private static TemplateFit Refine(SharePatch patch, TemplateFit best, double[] work)
    {
        for (double step = 0.5; step >= 0.12; step /= 2)
        {
            for (int round = 0; round < 3; round++)
            {
                TemplateFit before = best;
                foreach ((double dx, double dy, double dr) in (ReadOnlySpan<(double, double, double)>)[(step, 0, 0), (-step, 0, 0), (0, step, 0), (0, -step, 0), (0, 0, step), (0, 0, -step)])
                {
                    best = Better(best, Fit(patch, best.Kind, best.X + dx, best.Y + dy, best.Radius + dr, best.Blur, work));
                }
                for (int blur = Math.Max(0, best.Blur - 1); blur <= Math.Min(Blurs.Length - 1, best.Blur + 1); blur++)
                {
                    best = Better(best, Fit(patch, best.Kind, best.X, best.Y, best.Radius, blur, work));
                }
                if (best == before)
                {
                    break;
                }
            }
        }
        return best;
    }

    private static TemplateFit Better(TemplateFit a, TemplateFit b) => b.Residual < a.Residual ? b : a;

    /// <summary>Σ(share − a·template)² / Σ(a·template)² with the best amplitude a in its range.</summary>
    private static TemplateFit Fit(SharePatch patch, ShapeKind kind, double x, double y, double radius, int blur, double[] work)
    {
        if (radius < 1)
        {
            return new TemplateFit(kind, x, y, radius, blur, double.MaxValue, 1, 1);
        }
        Span<double> template = work.AsSpan(0, patch.Values.Length);
        Span<double> spare = work.AsSpan(patch.Values.Length);
        float[] table = Distances[(int)kind];
        for (int row = 0, i = 0; row < patch.Side; row++)
        {
            double v = (patch.Top + row + 0.5 - y) / radius;
            for (int column = 0; column < patch.Side; column++, i++)
            {
                double u = (patch.Left + column + 0.5 - x) / radius;
                template[i] = Math.Clamp(0.5 - (Distance(table, u, v) * radius), 0, 1);
            }
        }
        if (blur > 0)
        {
            Convolve(template, spare, patch.Side, 1, Kernels[blur]);
            Convolve(spare, template, patch.Side, patch.Side, Kernels[blur]);
        }
        double tt = 0;
        double ta = 0;
        double aa = 0;
        for (int i = 0; i < template.Length; i++)
        {
            double share = patch.Values[i];
            if (!double.IsNaN(share))
            {
                tt += template[i] * template[i];
                ta += template[i] * share;
                aa += share * share;
            }
        }
        if (tt <= 0)
        {
            return new TemplateFit(kind, x, y, radius, blur, double.MaxValue, 1, 1);
        }
        double amplitude = Math.Clamp(ta / tt, LeastAmplitude, MostAmplitude);
        double energy = amplitude * amplitude * tt;
        return new TemplateFit(kind, x, y, radius, blur, (aa - (2 * amplitude * ta) + energy) / energy, energy, amplitude);
    }

    private static double Distance(float[] table, double u, double v)
    {
        double x = (u + TableReach) * ((TableSide - 1) / (2 * TableReach));
        double y = (v + TableReach) * ((TableSide - 1) / (2 * TableReach));
        if (x < 0 || y < 0 || x >= TableSide - 1 || y >= TableSide - 1)
        {
            return TableReach - 1;
        }
        int i = (int)x;
        int j = (int)y;
        double a = x - i;
        int k = (j * TableSide) + i;
        double top = table[k] + (a * (table[k + 1] - table[k]));
        double bottom = table[k + TableSide] + (a * (table[k + TableSide + 1] - table[k + TableSide]));
        return top + ((y - j) * (bottom - top));
    }

    private static float[] Table(ShapeKind kind)
    {
        float[] table = new float[TableSide * TableSide];
        for (int i = 0; i < table.Length; i++)
        {
            double u = ((i % TableSide) * (2 * TableReach / (TableSide - 1))) - TableReach;
            double v = ((i / TableSide) * (2 * TableReach / (TableSide - 1))) - TableReach;
            table[i] = (float)ShapeGeometry.Distance(kind, u, v);
        }
        return table;
    }

    private static (double Area, double CentroidY) Moment(ShapeKind kind)
    {
        const int Steps = 400;
        double area = 0;
        double height = 0;
        for (int i = 0; i < Steps * Steps; i++)
        {
            double x = (((i % Steps) + 0.5) * (2.2 / Steps)) - 1.1;
            double y = (((i / Steps) + 0.5) * (2.2 / Steps)) - 1.1;
            if (ShapeGeometry.Distance(kind, x, y) < 0)
            {
                area++;
                height += y;
            }
        }
        return (area * (2.2 / Steps) * (2.2 / Steps), height / area);
    }

    private static double[] Kernel(double sigma)
    {
        if (sigma == 0)
        {
            return [1];
        }
        int reach = (int)Math.Ceiling(2.5 * sigma);
        double[] taps = [.. Enumerable.Range(-reach, (2 * reach) + 1).Select(i => Math.Exp(-i * i / (2 * sigma * sigma)))];
        double sum = taps.Sum();
        return [.. taps.Select(t => t / sum)];
    }

    /// <summary>One axis, zero outside: patches are wide enough that a shape never reaches their edge.</summary>
    private static void Convolve(ReadOnlySpan<double> from, Span<double> to, int side, int stride, double[] kernel)
    {
        int reach = kernel.Length / 2;
        int across = stride == 1 ? side : 1;
        for (int line = 0; line < side; line++)
        {
            int start = line * across;
            for (int i = 0; i < side; i++)
            {
                double sum = 0;
                for (int k = Math.Max(-reach, -i); k <= Math.Min(reach, side - 1 - i); k++)
                {
                    sum += from[start + ((i + k) * stride)] * kernel[k + reach];
                }
                to[start + (i * stride)] = sum;
            }
        }
    }
}
