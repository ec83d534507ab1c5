using System.Text;

namespace NextStep.Research.Reports;

/// <summary>Files that figures are written to.</summary>
public enum FigureFormat
{
    /// <summary>Scalable, the same bytes on every machine.</summary>
    Svg,

    /// <summary>Pixels, twice the size on screen.</summary>
    Png,
}

/// <summary>Every figure of a run's report as a picture of its own, for papers.</summary>
public static class FigureFiles
{
    /// <summary>Writes the figures of <paramref name="runFolder"/> into <paramref name="outputFolder"/>, one file each, and returns their paths in the report's order.</summary>
    /// <exception cref="InvalidDataException">The folder or its <c>plan.json</c> is not there or is damaged.</exception>
    /// <exception cref="IOException">The output cannot be written.</exception>
    /// <example><code>FigureFiles.Write("runs/quickstart", "figures", FigureFormat.Svg);</code></example>
    public static IReadOnlyList<string> Write(string runFolder, string outputFolder, FigureFormat format, bool mixCode = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(runFolder);
        ArgumentException.ThrowIfNullOrEmpty(outputFolder);
        RunResults run = RunReader.Read(runFolder, mixCode);
        Directory.CreateDirectory(outputFolder);
        var files = new List<string>();
        foreach (RunFigure named in RunFigures.All(run))
        {
            string file = Path.Combine(outputFolder, named.Name + (format == FigureFormat.Svg ? ".svg" : ".png"));
            byte[] bytes = format == FigureFormat.Svg ? Encoding.UTF8.GetBytes(StaticChart.Svg(named.Figure)) : StaticChart.Png(named.Figure);
            AtomicFile.Write(file, stream => stream.Write(bytes));
            files.Add(file);
        }

        return files;
    }
}
