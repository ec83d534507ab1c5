using System.Diagnostics;
using System.Text.Json.Nodes;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>.NET Interactive's own kernel, in a process that has nothing of ours.</summary>
internal static class RealKernel
{
    /// <summary>What the tests were built as, <c>Release</c> or <c>Debug</c>.</summary>
    public static string Configuration => Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/', '\\')))!;

    /// <summary>Runs the code cells of a notebook; a list of what was sent to the front end for each.</summary>
    public static List<JsonObject>[] Run(NotebookFolder folder, string notebook, IReadOnlyDictionary<string, string>? environment = null)
    {
        string host = Path.Combine(NotebookFolder.Repository, "tests", "NextStep.Research.Notebooks.KernelHost", "bin", Configuration, "net10.0", "NextStep.Research.Notebooks.KernelHost.dll");
        string output = folder.File("kernel.json");
        ProcessStartInfo start = new("dotnet", [host, notebook, output]) { RedirectStandardError = true };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }
        using Process process = Process.Start(start)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
        List<List<JsonObject>> cells = [];
        foreach (JsonNode? node in JsonNode.Parse(File.ReadAllText(output))!.AsArray())
        {
            if (node!["event"]!.GetValue<string>() == "Cell")
            {
                cells.Add([]);
            }
            else
            {
                cells[^1].Add(node.AsObject());
            }
        }
        return [.. cells];
    }

    /// <summary>What a page keeps of a cell's displays: each in its place, with its last content.</summary>
    public static JsonObject[] Page(IEnumerable<JsonObject> sent) => [.. sent.GroupBy(e => e["id"]?.GetValue<string>() ?? "value").Select(g => g.Last())];

    /// <summary>Messages of commands that failed.</summary>
    public static string[] Failures(IEnumerable<JsonObject> sent) =>
        [.. sent.Where(e => e["event"]!.GetValue<string>() == "CommandFailed").Select(e => e["message"]!.GetValue<string>())];
}
