using System.Diagnostics;
using System.Text.Json.Nodes;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>The released tool <c>dotnet-interactive</c> as VS Code starts it: a command a line goes in, an event a line comes out.</summary>
internal sealed class StdioKernel : IDisposable
{
    private static readonly TimeSpan Quitting = TimeSpan.FromSeconds(10);

    private readonly Process _process;
    private int _tokens;

    /// <param name="tool">The program.</param>
    /// <param name="folder">Where notebooks lie.</param>
    public StdioKernel(string tool, string folder, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(tool, ["stdio", "--default-kernel", "csharp", "--working-dir", folder]) { RedirectStandardInput = true, RedirectStandardOutput = true, WorkingDirectory = folder };
        start.Environment["DOTNET_INTERACTIVE_CLI_TELEMETRY_OPTOUT"] = "1";
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }
        _process = Process.Start(start)!;
        while (Type(Read()) != "KernelReady")
        {
        }
    }

    /// <summary>Sends a command and waits for its end.</summary>
    /// <param name="type">For instance <c>SubmitCode</c>.</param>
    /// <param name="command">Its own properties; the kernel is the C# one.</param>
    /// <param name="meanwhile">Called with each event before the end.</param>
    /// <returns>What the command and those that it led to sent, the end last.</returns>
    public IReadOnlyList<JsonObject> Send(string type, JsonObject command, Action<JsonObject>? meanwhile = null)
    {
        string token = Post(type, command);
        List<JsonObject> events = [];
        while (true)
        {
            JsonObject sent = Read();
            string of = sent["command"]?["token"]?.GetValue<string>() ?? "";
            if (of == token || of.StartsWith(token + ".", StringComparison.Ordinal))
            {
                events.Add(sent);
                if (of == token && Type(sent) is "CommandSucceeded" or "CommandFailed")
                {
                    return events;
                }
                meanwhile?.Invoke(sent);
            }
        }
    }

    /// <summary>Sends a command and does not wait.</summary>
    public string Post(string type, JsonObject command)
    {
        string token = $"t{++_tokens}";
        command["targetKernelName"] = "csharp";
        _process.StandardInput.WriteLine(new JsonObject { ["commandType"] = type, ["command"] = command, ["token"] = token, ["routingSlip"] = new JsonArray() }.ToJsonString());
        _process.StandardInput.Flush();
        return token;
    }

    /// <summary>Runs a cell.</summary>
    public IReadOnlyList<JsonObject> Submit(string code, Action<JsonObject>? meanwhile = null) => Send("SubmitCode", new JsonObject { ["code"] = code }, meanwhile);

    public static string Type(JsonObject sent) => sent["eventType"]!.GetValue<string>();

    /// <summary>What a page keeps: the renderings of each display in its place, its last, and the cell's value.</summary>
    public static IReadOnlyList<SortedDictionary<string, string>> Page(IReadOnlyList<JsonObject> events) =>
    [
        .. events.Where(e => Type(e) is "DisplayedValueProduced" or "DisplayedValueUpdated" or "ReturnValueProduced")
            .GroupBy(e => e["event"]!["valueId"]?.GetValue<string>() ?? Type(e))
            .Select(g => new SortedDictionary<string, string>(g.Last()["event"]!["formattedValues"]!.AsArray()
                .ToDictionary(v => v!["mimeType"]!.GetValue<string>(), v => v!["value"]!.GetValue<string>().ReplaceLineEndings("\n")), StringComparer.Ordinal)),
    ];

    /// <summary>What the cell printed.</summary>
    public static string Printed(IReadOnlyList<JsonObject> events) => string.Concat(events.Where(e => Type(e) == "StandardOutputValueProduced")
        .Select(e => e["event"]!["formattedValues"]![0]!["value"]!.GetValue<string>())).ReplaceLineEndings("\n");

    public void Dispose()
    {
        Post("Quit", []);
        if (!_process.WaitForExit(Quitting))
        {
            _process.Kill(entireProcessTree: true);
        }
        _process.Dispose();
    }

    private JsonObject Read()
    {
        while (true)
        {
            string line = _process.StandardOutput.ReadLine() ?? throw new EndOfStreamException("dotnet-interactive has ended");
            if (line.TrimStart('\ufeff') is ['{', ..] json)
            {
                return JsonNode.Parse(json)!.AsObject();
            }
        }
    }
}
