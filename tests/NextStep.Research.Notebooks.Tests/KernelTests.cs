using System.Diagnostics;
using System.Text.Json.Nodes;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>The same notebook in .NET Interactive's own kernel, which knows nothing of us, and in our runner.</summary>
public sealed class KernelTests : IDisposable
{
    private static readonly string[] Cells =
    [
        "#!import setup.csx",
        "(rand(3, 8, 8) * 2 - 1).AsPicture()",
        "new Figure(\"a\", \"x\", \"y\", [new FigureSeries(\"line\", [1, 2, 3], [1, 4, 9])]).Display();",
        "new ResearchConfig().DifferenceFrom(new ResearchConfig() with { Seed = 4 })",
        "nn.Linear(4, 5)",
        "LiveOutput place = new();\nplace.Show(1);\nplace.Show(2);\nplace.Show(3);",
        "string.Join(\",\", AppDomain.CurrentDomain.GetAssemblies()\n  .Where(a => System.Runtime.Loader.AssemblyLoadContext.GetLoadContext(a) == System.Runtime.Loader.AssemblyLoadContext.Default)\n  .Select(a => a.GetName().Name).Where(n => n.StartsWith(\"Plotly\")))",
        "Notebook.Cancellation.CanBeCanceled",
    ];

    private readonly NotebookFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Our_types_show_alike_in_the_real_kernel_and_in_the_runner()
    {
        _folder.Write("setup.csx", File.ReadAllText(Path.Combine(NotebookFolder.Repository, "notebooks", "setup.csx"))
            .Replace("../src/", NotebookFolder.Repository.Replace('\\', '/').TrimEnd('/') + "/src/", StringComparison.Ordinal)
            .Replace("/Release/", $"/{Configuration}/", StringComparison.Ordinal));
        string notebook = _folder.WriteNotebook("both.ipynb", Cells);
        (NotebookOutcome outcome, JsonArray ours) = _folder.Run(notebook, NotebookFolder.Options with { Interactive = true });
        Assert.Null(outcome.Problem);
        List<JsonObject>[] kernel = Kernel(notebook);
        Assert.DoesNotContain(kernel.SelectMany(c => c), e => e["event"]!.GetValue<string>() == "CommandFailed");
        for (int i = 0; i < Cells.Length; i++)
        {
            // In place: however often it was updated, the page keeps one output, with the last content.
            JsonObject[] theirs = [.. kernel[i].GroupBy(e => e["id"]?.GetValue<string>() ?? "value").Select(g => g.Last())];
            JsonObject[] mine = [.. ours[i]!["outputs"]!.AsArray().Select(o => o!.AsObject())];
            Assert.Equal(theirs.Select(Types), mine.Select(Types));
            if (i >= 3)
            {
                Assert.Equal(theirs.Select(Values), mine.Select(Values));
            }
        }
        Assert.Contains("<iframe", kernel[2][0]["data"]!["text/html"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("", NotebookFolder.Output(ours[6])); // Plotly.NET is in no default context, hence none of its conflicts
    }

    private static string Types(JsonObject output) => string.Join(' ', output["data"]!.AsObject().Select(d => d.Key).Order());

    private static string Values(JsonObject output) => string.Join('\n', output["data"]!.AsObject().Select(d => NotebookFolder.Text(d.Value).ReplaceLineEndings("\n")));

    private List<JsonObject>[] Kernel(string notebook)
    {
        string host = Path.Combine(NotebookFolder.Repository, "tests", "NextStep.Research.Notebooks.KernelHost", "bin", Configuration, "net10.0", "NextStep.Research.Notebooks.KernelHost.dll");
        string output = _folder.File("kernel.json");
        using Process process = Process.Start(new ProcessStartInfo("dotnet", [host, notebook, output]) { RedirectStandardError = true })!;
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

    private static string Configuration => Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/', '\\')))!;
}
