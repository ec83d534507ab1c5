using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace NextStep.Research.Reports.Tests;

/// <summary>
/// Pins the report of a small recorded run. Of pictures and of plotly.js only the place is kept. After a change that is meant,
/// run the test with NEXTSTEP_ACCEPT=1 and look at the difference before committing it.
/// </summary>
public sealed partial class GoldenReportTests
{
    [Fact]
    public void The_page_is_as_accepted()
    {
        using RecordedRun run = new RecordedRun("baseline", "noiseStrength=0", "noiseStrength=1").WriteAll();
        string actual = Stable(run.Report());
        string golden = Path.Combine(Folder(), "report.golden.html");
        if (Environment.GetEnvironmentVariable("NEXTSTEP_ACCEPT") == "1")
        {
            File.WriteAllText(golden, actual);
        }

        string[] expected = File.ReadAllText(golden).ReplaceLineEndings("\n").Split('\n'), lines = actual.Split('\n');
        for (int i = 0; i < Math.Max(expected.Length, lines.Length); i++)
        {
            string was = i < expected.Length ? expected[i] : "(no line)", isNow = i < lines.Length ? lines[i] : "(no line)";
            Assert.True(was == isNow, $"report.golden.html, line {i + 1}: accepted is\n{was}\nbut the report says\n{isNow}\nIf that is meant, run this test with NEXTSTEP_ACCEPT=1.");
        }
    }

    // The picture's bytes depend on the version of the codec; styles and scripts have files of their own.
    private static string Stable(string html)
    {
        html = Data().Replace(html, "data:image/png;base64,…");
        html = Between(html, "<style>", "</style>");
        int script = html.LastIndexOf("<script>", StringComparison.Ordinal);
        return html[..script] + Between(html[script..], "<script>", "</script>");
    }

    private static string Between(string html, string start, string end)
    {
        int from = html.IndexOf(start, StringComparison.Ordinal) + start.Length;
        return html[..from] + "…" + html[html.IndexOf(end, from, StringComparison.Ordinal)..];
    }

    private static string Folder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    [GeneratedRegex("data:image/png;base64,[A-Za-z0-9+/=]+")]
    private static partial Regex Data();
}
