using System.Globalization;

namespace NextStep.Research.Reports;

/// <summary>Numbers as reports and tables print them, the same in every culture.</summary>
internal static class Numbers
{
    /// <summary>Four significant digits; powers of ten outside 0.001 to 100,000.</summary>
    public static string Format(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "not a number" : value > 0 ? "∞" : "−∞";
        }

        double size = Math.Abs(value);
        string text = value switch
        {
            0 => "0",
            _ when size is < 1e-3 or >= 1e5 => value.ToString("0.##e0", CultureInfo.InvariantCulture),
            _ when size >= 1000 => value.ToString("#,0", CultureInfo.InvariantCulture),
            _ => value.ToString(size >= 100 ? "0.0" : size >= 10 ? "0.00" : size >= 1 ? "0.000" : "0.0000", CultureInfo.InvariantCulture),
        };
        return text.Replace('-', '−');
    }

    /// <summary>As short as ticks of an axis are: up to four significant digits.</summary>
    public static string Tick(double value) => Math.Abs(value) switch
    {
        0 => "0",
        < 1e-3 or >= 1e6 => value.ToString("0.##e0", CultureInfo.InvariantCulture).Replace('-', '−'),
        >= 1e3 => value.ToString("#,0.#", CultureInfo.InvariantCulture).Replace('-', '−'),
        _ => value.ToString("0.####", CultureInfo.InvariantCulture).Replace('-', '−'),
    };

    /// <summary>"p = 0.012", or "p &lt; 0.001".</summary>
    public static string PValue(double value) => value < 0.001 ? "p < 0.001" : "p = " + value.ToString(value < 0.1 ? "0.000" : "0.00", CultureInfo.InvariantCulture);

    /// <summary>With its sign, for differences. What is left of equal numbers after rounding, below 1e-12, is none.</summary>
    public static string Signed(double value) => Math.Abs(value) < 1e-12 ? "0" : value > 0 ? "+" + Format(value) : Format(value);

    /// <summary>Bytes as "640 kB", "2.3 MB" or "1.7 GB".</summary>
    public static string Size(double bytes) => bytes switch
    {
        < 1e3 => bytes.ToString("0", CultureInfo.InvariantCulture) + " B",
        < 1e6 => (bytes / 1e3).ToString("0", CultureInfo.InvariantCulture) + " kB",
        < 1e9 => (bytes / 1e6).ToString("0.0", CultureInfo.InvariantCulture) + " MB",
        _ => (bytes / 1e9).ToString("0.0", CultureInfo.InvariantCulture) + " GB",
    };

    /// <summary>Seconds as "48 s", "3 min 20 s" or "2 h 05 min".</summary>
    public static string Duration(double seconds)
    {
        if (!double.IsFinite(seconds) || seconds < 0 || seconds > TimeSpan.MaxValue.TotalSeconds / 2)
        {
            return "unknown";
        }

        TimeSpan time = TimeSpan.FromSeconds(seconds);
        return time switch
        {
            { TotalSeconds: < 10 } => time.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s",
            { TotalMinutes: < 1 } => time.TotalSeconds.ToString("0", CultureInfo.InvariantCulture) + " s",
            { TotalHours: < 1 } => $"{time.Minutes} min {time.Seconds:00} s",
            _ => $"{(long)time.TotalHours} h {time.Minutes:00} min",
        };
    }
}
