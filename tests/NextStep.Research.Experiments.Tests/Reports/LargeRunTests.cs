using System.Diagnostics;

namespace NextStep.Research.Reports.Tests;

public sealed class LargeRunTests(ITestOutputHelper output)
{
    [Fact]
    public void The_page_of_24_cells_stays_below_12_MB_and_shows_every_cell()
    {
        string html = Report(arms: 8, seeds: 3, megabytes: 12);
        Assert.Equal(24, System.Text.RegularExpressions.Regex.Count(html, "<img class=\"sheet\"[^>]*alt=\"Pictures drawn"));
    }

    /// <summary>Takes long; run it by <c>-explicit only</c>.</summary>
    [Fact(Explicit = true)]
    public void The_page_of_200_cells_stays_below_20_MB_and_shows_every_cell()
    {
        string html = Report(arms: 50, seeds: 4, megabytes: 20);
        Assert.Equal(200, System.Text.RegularExpressions.Regex.Count(html, "<img class=\"sheet\"[^>]*alt=\"Pictures drawn"));
        Assert.Contains("to stay small", html, StringComparison.Ordinal);
    }

    private string Report(int arms, int seeds, int megabytes)
    {
        using LargeRun run = new(arms, seeds);
        string file = Environment.GetEnvironmentVariable("NEXTSTEP_LARGE_REPORT") ?? Path.Combine(run.Folder, "report.html");
        TimeSpan before = Environment.CpuUsage.TotalTime;
        Stopwatch watch = Stopwatch.StartNew();
        HtmlReport.Write(run.Folder, file);
        long bytes = new FileInfo(file).Length;
        output.WriteLine($"{arms * seeds} cells: {watch.Elapsed.TotalSeconds:F1} s, {(Environment.CpuUsage.TotalTime - before).TotalSeconds:F1} s of processor time, {bytes / 1e6:F1} MB");
        Assert.InRange(bytes, 3_000_000, megabytes * 1_000_000);
        return File.ReadAllText(file);
    }
}
