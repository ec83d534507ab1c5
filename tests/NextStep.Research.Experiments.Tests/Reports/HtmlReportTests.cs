using System.Net;
using System.Text.RegularExpressions;

namespace NextStep.Research.Reports.Tests;

public sealed class HtmlReportTests
{
    [Fact]
    public void Question_claims_and_numbers_come_in_this_order()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        string html = WebUtility.HtmlDecode(run.Report());

        string[] inOrder =
        [
            "Does noise on the latents give better pictures?", "4 of 4 cells finished",
            "✓ supported", "generation loss rises without noise", "2 seeds", "? undecided", "✗ contradicted",
            "How to read this", "id=\"numbers\"", "0.4371", "± 0.0635", "+0.1001", "id=\"settings\"", "autoencoder.noiseStrength",
            "id=\"pictures-samples\"", "id=\"pictures-reconstructions\"", "id=\"measurements\"", "id=\"origin\"", "0123abc, clean", "nextstep sweep experiments/noise-strength.yaml",
        ];
        int at = -1;
        foreach (string text in inOrder)
        {
            int found = html.IndexOf(text, at + 1, StringComparison.Ordinal);
            Assert.True(found > at, $"'{text}' is missing or out of order");
            at = found;
        }
    }

    [Fact]
    public void Nothing_is_loaded_from_anywhere()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        string html = run.Report();

        foreach (Match link in Regex.Matches(html, """<[a-z][^>]*?\s(?:src|href|action|data|poster)\s*=\s*["']?([^"'\s>]*)"""))
        {
            Assert.Matches("^(data:image/png;base64,|#)", link.Groups[1].Value);
        }

        Assert.DoesNotContain("@import", html, StringComparison.Ordinal);
        Assert.DoesNotContain("url(", html, StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", html, StringComparison.Ordinal);
        Assert.Single(Regex.Matches(File.ReadAllText(run.WriteReport()), @"plotly\.js v\d"));
    }

    [Fact]
    public void Same_results_give_the_same_bytes()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        byte[] first = File.ReadAllBytes(run.WriteReport());
        byte[] second = File.ReadAllBytes(run.WriteReport());
        Assert.Equal(first, second);
        Assert.DoesNotContain(run.Folder, System.Text.Encoding.UTF8.GetString(first), StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFiles(run.Folder), f => f.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void Hostile_prompts_arms_and_questions_stay_text()
    {
        const string Attack = "</script><script>alert('x')</script>\"><img src=http://example.invalid/x onerror=alert(1)>";
        using RecordedRun run = new RecordedRun("baseline", Attack)
        {
            Question = Attack,
            Prompts = [Attack, "\u202Egnitirw tfel-ot-thgir", new string('x', 10_000), "emoji 😀", "\0nul"],
        }.WriteAll();
        string html = run.Report();

        Assert.DoesNotContain("<script>alert", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<img src=http", html, StringComparison.Ordinal);
        Assert.DoesNotContain('\0', html);
        Assert.Contains("(10000 characters)", html, StringComparison.Ordinal);
        // Three of our own: the figures' data, plotly.js (cut out by Report) and the page's script.
        int figures = Regex.Count(html, "<script type=\"application/json\"");
        Assert.Equal(figures + 1, Regex.Count(html, "</script>"));
    }

    [Fact]
    public void Metrics_that_never_differ_leave_the_table()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        string html = run.Report();
        Assert.Contains("The same in every arm, so not in the table: Reconstruction PSNR 29.53 ± 0.32 dB; Text loss 0.2500 nats", html, StringComparison.Ordinal);
        Assert.DoesNotMatch("<th scope=\"col\">Text loss", html);
    }

    [Fact]
    public void Arms_that_share_a_stage_share_line_and_picture()
    {
        using RecordedRun run = new RecordedRun("baseline", "noiseStrength=0", "noiseStrength=1").WriteAll();
        string html = run.Report();
        Assert.Contains("\"name\":\"baseline = noiseStrength=0\"", html, StringComparison.Ordinal);
        Assert.Contains("Originals above their reconstructions by baseline = noiseStrength=0, seed 0", html, StringComparison.Ordinal);
    }

    [Fact]
    public void One_seed_has_no_interval_and_no_verdict_words()
    {
        using RecordedRun run = new RecordedRun { Seeds = 1 }.WriteAll();
        string html = run.Report();
        Assert.DoesNotContain("±", Section(html, "numbers"), StringComparison.Ordinal);
        Assert.DoesNotContain("▼", html, StringComparison.Ordinal);
        Assert.Contains("One seed: no intervals", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_picture_and_chart_has_words_and_every_table_scoped_headers()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        string html = run.Report();
        Assert.All(Regex.Matches(html, "<img [^>]*src=[^>]*>"), m => Assert.Matches("alt=\"[^\"]{10,}\"", m.Value));
        Assert.All(Regex.Matches(html, "<div class=\"plot[^>]*>"), m => Assert.Matches("aria-label=\"[^\"]{20,}\"", m.Value));
        Assert.All(Regex.Matches(html, "<th[ >][^>]*"), m => Assert.Contains("scope=", m.Value, StringComparison.Ordinal));
        string[] ids = [.. Regex.Matches(html, " id=\"([^\"]+)\"").Select(m => m.Groups[1].Value)];
        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    internal static string Section(string html, string id)
    {
        int start = html.IndexOf($"<section id=\"{id}\"", StringComparison.Ordinal);
        return start < 0 ? "" : html[start..html.IndexOf("</section>", start, StringComparison.Ordinal)];
    }
}
