using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NextStep.Research.Reports.Tests;

/// <summary>A headless Chromium, spoken to through the Chrome DevTools Protocol; one page.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly Process _process;
    private readonly ClientWebSocket _socket = new();
    private readonly string _profile;
    private string? _session;
    private Task _drained = Task.CompletedTask;
    private int _id;

    private Browser(Process process, string profile)
    {
        _process = process;
        _profile = profile;
    }

    /// <summary>Errors of the page: exceptions, console errors, requests that failed or were refused.</summary>
    public List<string> Errors { get; } = [];

    /// <summary>Addresses that the page asked for, without data and blob ones.</summary>
    public List<string> Requests { get; } = [];

    /// <summary>The browser's program, or null where there is none.</summary>
    public static string? Find() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => new[] { "chromium", "chromium-browser", "google-chrome", "chrome" }.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    public static async Task<Browser> Start(string program)
    {
        string profile = Directory.CreateTempSubdirectory("nextstep-browser-").FullName;
        string[] arguments =
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-port=0", $"--user-data-dir={profile}", "about:blank",
        ];
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        var browser = new Browser(Process.Start(start)!, profile);
        try
        {
            await browser.Connect();
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens a page and waits until it has loaded.</summary>
    public async Task Open(string address)
    {
        await Send("Page.navigate", new { url = address });
        await Until("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    /// <summary>The size of the window, in CSS pixels, and whether the system asks for dark pages.</summary>
    public async Task Window(int width, int height, bool dark = false, bool phone = false)
    {
        await Send("Emulation.setDeviceMetricsOverride", new { width, height, deviceScaleFactor = 1, mobile = phone });
        await Send("Emulation.setEmulatedMedia", new { features = new[] { new { name = "prefers-color-scheme", value = dark ? "dark" : "light" } } });
    }

    /// <summary>The value of a script's expression.</summary>
    public async Task<JsonNode?> Evaluate(string expression)
    {
        JsonNode answer = await Send("Runtime.evaluate", new { expression, returnByValue = true, awaitPromise = true });
        return answer["exceptionDetails"] is { } error ? throw new InvalidOperationException($"{expression}: {error.ToJsonString()}") : answer["result"]?["value"];
    }

    /// <summary>Waits for an expression to become true.</summary>
    public async Task Until(string expression)
    {
        var watch = Stopwatch.StartNew();
        while ((await Evaluate($"Boolean({expression})"))?.GetValue<bool>() != true)
        {
            if (watch.Elapsed > Patience)
            {
                throw new TimeoutException($"'{expression}' did not become true; errors of the page: {string.Join("; ", Errors)}");
            }

            await Task.Delay(50);
        }
    }

    /// <summary>Clicks the middle of an element with the mouse, as a user does.</summary>
    public async Task Click(string selector)
    {
        JsonNode? box = await Evaluate($"(() => {{ const e = document.querySelector({JsonSerializer.Serialize(selector)}); if (!e) return null; e.scrollIntoView({{ block: 'center' }}); const r = e.getBoundingClientRect(); return {{ x: r.x + r.width / 2, y: r.y + r.height / 2 }}; }})()");
        if (box is null)
        {
            throw new InvalidOperationException($"There is no '{selector}' on the page.");
        }

        (double x, double y) = (box["x"]!.GetValue<double>(), box["y"]!.GetValue<double>());
        foreach (string type in new[] { "mouseMoved", "mousePressed", "mouseReleased" })
        {
            await Send("Input.dispatchMouseEvent", new { type, x, y, button = "left", clickCount = type == "mouseMoved" ? 0 : 1 });
        }
    }

    /// <summary>Presses a key, for instance <c>ArrowRight</c>.</summary>
    public async Task Press(string key)
    {
        foreach (string type in new[] { "keyDown", "keyUp" })
        {
            await Send("Input.dispatchKeyEvent", new { type, key, code = key, windowsVirtualKeyCode = key switch { "ArrowLeft" => 37, "ArrowRight" => 39, "Escape" => 27, _ => 0 } });
        }
    }

    /// <summary>What the window shows, or the whole page, as PNG.</summary>
    public async Task<byte[]> Screenshot(bool whole = false) =>
        Convert.FromBase64String((await Send("Page.captureScreenshot", new { format = "png", captureBeyondViewport = whole }))["data"]!.GetValue<string>());

    /// <summary>The page as it is printed, PDF.</summary>
    public async Task<byte[]> Print() =>
        Convert.FromBase64String((await Send("Page.printToPDF", new { printBackground = true, paperWidth = 8.27, paperHeight = 11.69 }))["data"]!.GetValue<string>());

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        await _drained;
        _process.Dispose();
        Directory.Delete(_profile, recursive: true);
    }

    private async Task Connect()
    {
        using var patience = new CancellationTokenSource(Patience);
        string? line;
        do
        {
            line = await _process.StandardError.ReadLineAsync(patience.Token) ?? throw new InvalidOperationException("The browser ended before it listened.");
        }
        while (!line.Contains("ws://", StringComparison.Ordinal));
        // Drained, so that the browser never waits for a reader.
        _drained = Task.WhenAll(_process.StandardError.ReadToEndAsync(CancellationToken.None), _process.StandardOutput.ReadToEndAsync(CancellationToken.None));
        await _socket.ConnectAsync(new Uri(line[line.IndexOf("ws://", StringComparison.Ordinal)..].Trim()), patience.Token);
        string target = (await Send("Target.createTarget", new { url = "about:blank" }))["targetId"]!.GetValue<string>();
        _session = (await Send("Target.attachToTarget", new { targetId = target, flatten = true }))["sessionId"]!.GetValue<string>();
        foreach (string domain in new[] { "Page", "Runtime", "Log", "Network" })
        {
            await Send(domain + ".enable", new { });
        }
    }

    // Events that come before the answer are noted on the way.
    private async Task<JsonNode> Send(string method, object parameters)
    {
        using var patience = new CancellationTokenSource(Patience);
        int id = ++_id;
        string message = JsonSerializer.Serialize(_session is null ? new { id, method, @params = parameters } : (object)new { id, method, @params = parameters, sessionId = _session });
        await _socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, true, patience.Token);
        while (true)
        {
            JsonNode received = await Receive(patience.Token);
            if (received["id"]?.GetValue<int>() == id)
            {
                return received["error"] is { } error ? throw new InvalidOperationException($"{method}: {error.ToJsonString()}") : received["result"]!;
            }

            Note(received["method"]?.GetValue<string>(), received["params"]);
        }
    }

    private async Task<JsonNode> Receive(CancellationToken cancellation)
    {
        using var text = new MemoryStream();
        byte[] buffer = new byte[64 << 10];
        WebSocketReceiveResult part;
        do
        {
            part = await _socket.ReceiveAsync(buffer, cancellation);
            text.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonNode.Parse(text.ToArray())!;
    }

    private void Note(string? method, JsonNode? parameters)
    {
        switch (method)
        {
            case "Runtime.exceptionThrown":
                Errors.Add(parameters!["exceptionDetails"]!.ToJsonString());
                break;
            case "Runtime.consoleAPICalled" when parameters!["type"]!.GetValue<string>() is "error" or "warning" or "assert":
                Errors.Add(parameters["args"]!.ToJsonString());
                break;
            case "Log.entryAdded" when parameters!["entry"]!["level"]!.GetValue<string>() is "error" or "warning":
                Errors.Add(parameters["entry"]!.ToJsonString());
                break;
            case "Network.requestWillBeSent" when parameters!["request"]!["url"]!.GetValue<string>() is { } address && !address.StartsWith("data:", StringComparison.Ordinal) && !address.StartsWith("blob:", StringComparison.Ordinal):
                Requests.Add(address);
                break;
        }
    }
}
