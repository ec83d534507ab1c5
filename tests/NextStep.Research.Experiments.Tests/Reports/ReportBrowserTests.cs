using System.Text.Json.Nodes;

namespace NextStep.Research.Reports.Tests;

/// <summary>Opens reports in a real browser, from file, and clicks through them.</summary>
public sealed class ReportBrowserTests
{
    private const string Album = "#pictures-samples";
    private const string Dialog = "dialog[open]";

    [Fact]
    public async Task A_reader_clicks_through_without_errors_or_requests()
    {
        using RecordedRun run = new RecordedRun("baseline", "noiseStrength=0", "noiseStrength=1").WriteAll();
        await using Browser browser = await Open(run.WriteReport());

        await browser.Until("document.querySelectorAll('.js-plotly-plot').length >= 4");
        Assert.Equal(3, await Number(browser, $"document.querySelectorAll('{Album} .row:first-child canvas').length"));

        // Zoom: a prompt in all arms, the next one, closed by Escape.
        await browser.Click($"{Album} .row:first-child .cells");
        await browser.Until($"document.querySelectorAll('{Dialog} canvas').length === 3");
        string first = await Text(browser, "#dialog-title");
        Assert.StartsWith("1 of 4", first, StringComparison.Ordinal);
        await browser.Press("ArrowRight");
        await browser.Until("document.getElementById('dialog-title').textContent.startsWith('2 of 4')");
        await browser.Click($"{Dialog} [data-step='-1']");
        await browser.Until("document.getElementById('dialog-title').textContent.startsWith('1 of 4')");
        await browser.Press("Escape");
        await browser.Until("!document.querySelector('dialog[open]')");

        // Arms: one box less, one picture and one line less.
        await browser.Click("input[name=arm][value='2']");
        await browser.Until($"document.querySelectorAll('{Album} .row:first-child canvas').length === 2");
        Assert.Equal(0, await Number(browser, "[...document.querySelectorAll('.js-plotly-plot')].filter(p => p.data.some(t => t.meta && t.meta.length === 1 && t.meta[0] === 2 && t.visible)).length"));
        await browser.Click("input[name=arm][value='2']");

        // Tabs and seeds.
        await browser.Click($"{Album}-by-arm-tab");
        await browser.Until($"document.querySelector('{Album} figure .sheet').offsetWidth > 0");
        await browser.Press("ArrowLeft");
        await browser.Until($"document.querySelector('{Album} .row').offsetWidth > 0 && document.activeElement.id === 'pictures-samples-by-prompt-tab'");
        await browser.Click($"{Album} input[name$=-seed][value='1']");
        await browser.Until($"document.querySelector('{Album} .seed[data-seed=\"0\"]').classList.contains('closed')");
        await browser.Click("#topic-artifacts-tab");
        await browser.Until("document.querySelectorAll('#topic-artifacts .js-plotly-plot').length > 0 && document.getElementById('topic-training').offsetWidth === 0");

        Assert.Empty(browser.Errors);
        Assert.Equal(["file"], browser.Requests.Select(r => new Uri(r).Scheme).Distinct());
        Assert.Single(browser.Requests);
    }

    [Fact]
    public async Task Differences_and_heat_maps_are_painted_as_they_should_be()
    {
        using RecordedRun run = new RecordedRun("baseline", "noiseStrength=0").WriteAll();
        await using Browser browser = await Open(run.WriteReport());
        await browser.Until($"document.querySelectorAll('{Album} .row canvas').length > 0");

        await browser.Click($"{Album} input[name$=-show][value=difference]");
        // The baseline differs from itself nowhere; the other arm somewhere.
        await browser.Until($"({Brightness(0)}) === 0 && ({Brightness(1)}) > 0");
        await browser.Click($"{Album} input[name$=-show][value='heatmap.noise']");
        await browser.Until($"({Brightness(0)}) > 0");
        await browser.Click($"{Album} .row:first-child .cells");
        await browser.Until($"document.querySelectorAll('{Dialog} canvas').length === 2");
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task Hostile_captions_run_no_script_and_break_no_page()
    {
        const string Attack = "</script><script>window.hacked = true</script>\"><img src=x onerror=\"window.hacked = true\">";
        using RecordedRun run = new RecordedRun("baseline", Attack) { Question = Attack, Prompts = [Attack, "\u202Egnitirw", new string('x', 10_000), "']}\u2028\0"] }.WriteAll();
        await using Browser browser = await Open(run.WriteReport());
        await browser.Window(390, 800, phone: true);
        await browser.Until($"document.querySelectorAll('{Album} .row').length === 4");
        await browser.Click($"{Album} .row:first-child .cells");
        await browser.Until($"document.querySelector('{Dialog}')");
        Assert.False((await browser.Evaluate("'hacked' in window"))!.GetValue<bool>());
        Assert.Equal(390, await Number(browser, "document.documentElement.scrollWidth"));
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task Without_scripts_all_pictures_and_numbers_are_there_and_in_print_too()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        string report = run.WriteReport();
        await using Browser browser = await Open(report);
        await browser.Until("document.querySelectorAll('.js-plotly-plot').length > 0");
        Assert.True((await browser.Print()).Length > 50_000);
        Assert.Empty(browser.Errors);
    }

    private static async Task<Browser> Open(string report)
    {
        string? program = Browser.Find();
        Assert.SkipWhen(program is null, "There is no Chromium on this machine (Debian: apt-get install chromium); the report's page is not clicked through.");
        Browser browser = await Browser.Start(program!);
        await browser.Window(1280, 900);
        await browser.Open(new Uri(report).AbsoluteUri);
        return browser;
    }

    // Of the picture of an arm in the first row, over all its pixels.
    private static string Brightness(int arm) => $$"""
        (() => { const c = document.querySelectorAll('{{Album}} .row:first-child canvas')[{{arm}}];
          if (!c) return -1;
          const copy = new OffscreenCanvas(c.width, c.height).getContext('2d');
          copy.drawImage(c, 0, 0);
          return copy.getImageData(0, 0, c.width, c.height).data.reduce((sum, v, i) => i % 4 === 3 ? sum : sum + v, 0); })()
        """;

    private static async Task<int> Number(Browser browser, string expression) => (await browser.Evaluate(expression))!.GetValue<int>();

    private static async Task<string> Text(Browser browser, string selector) => (await browser.Evaluate($"document.querySelector('{selector}').textContent"))!.GetValue<string>();
}
