using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>
/// The released tool over the protocol that VS Code speaks, against our runner. It is installed at every run, and the notebooks run twice,
/// so that CI does without: <c>NextStep.Research.Notebooks.Tests -explicit only -class '*ReleasedTool*'</c>.
/// </summary>
public sealed partial class ReleasedToolTests : IDisposable
{
    private const string Package = "Microsoft.dotnet-interactive", Version = "1.0.712001";

    private static readonly Lazy<string> Tool = new(Install);

    private readonly NotebookFolder _folder = new();

    public static TheoryData<string> Notebooks => [.. Directory.GetFiles(Path.Combine(NotebookFolder.Repository, "notebooks"), "*.ipynb").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    public void Dispose() => _folder.Dispose();

    [Theory(Explicit = true)]
    [MemberData(nameof(Notebooks))]
    public void A_notebook_puts_out_the_same_in_the_tool_and_in_the_runner(string name)
    {
        string file = Path.Combine(NotebookFolder.Repository, "notebooks", name);
        (NotebookOutcome outcome, JsonArray ran) = _folder.Run(file, NotebookFolder.Options with { Interactive = true });
        Assert.Null(outcome.Problem);
        using StdioKernel kernel = new(Tool.Value, Path.GetDirectoryName(file)!);
        foreach (JsonNode? cell in ran.Where(c => c!["cell_type"]!.GetValue<string>() == "code" && !Tags(c).Contains("skip-ci")))
        {
            string place = $"{name}, {cell!["id"]}";
            IReadOnlyList<JsonObject> events = kernel.Submit(NotebookFolder.Text(cell["source"]));
            Assert.True(Tags(cell).Contains("raises-exception") == (StdioKernel.Type(events[^1]) == "CommandFailed"), $"{place}: {events[^1]["event"]}");
            JsonObject[] outputs = [.. cell["outputs"]!.AsArray().Select(o => o!.AsObject())];
            // What a cell measures of the machine is another number every time; the words are the same.
            Func<string, string> told = NotebookFolder.Text(cell["source"]).Contains("Stopwatch", StringComparison.Ordinal) ? t => Numbers().Replace(t, "#") : t => t;
            Assert.Equal((place, told(Printed(outputs))), (place, told(StdioKernel.Printed(events))));
            string[] ours = [.. outputs.Where(o => o["data"] is not null).Select(o => Shown(o["data"]!.AsObject().ToDictionary(d => d.Key, d => NotebookFolder.Text(d.Value))))];
            Assert.Equal([place, .. ours], [place, .. StdioKernel.Page(events).Select(Shown)]);
        }
    }

    [Fact(Explicit = true)]
    public void Through_Jupyter_the_first_notebook_puts_out_the_same()
    {
        const string program = """
            import sys, nbformat, nbclient
            notebook = nbformat.read(sys.argv[1], as_version=4)
            nbclient.NotebookClient(notebook, kernel_name=".net-csharp", timeout=600, resources={"metadata": {"path": sys.argv[2]}}).execute()
            nbformat.write(notebook, sys.argv[3])
            """;
        Assert.SkipUnless(Run("/usr/bin/python3", ["-c", "import nbclient"]).Code == 0, "python3-nbclient is not installed");
        string folder = Path.Combine(NotebookFolder.Repository, "notebooks"), file = Path.Combine(folder, "01-quickstart.ipynb"), executed = _folder.File("jupyter.ipynb");
        (int installed, string fault) = Run(Tool.Value, ["jupyter", "install", "--path", Directory.CreateDirectory(_folder.File("kernels")).FullName]);
        Assert.True(installed == 0, fault);
        (int code, string said) = Run("/usr/bin/python3", ["-c", program, file, folder, executed], ("JUPYTER_PATH", _folder.Path), ("PATH", $"{Path.GetDirectoryName(Tool.Value)}:{Environment.GetEnvironmentVariable("PATH")}"));
        Assert.True(code == 0, said);
        (_, JsonArray ours) = _folder.Run(file, NotebookFolder.Options with { Interactive = true });
        JsonArray theirs = JsonNode.Parse(File.ReadAllText(executed))!["cells"]!.AsArray();
        // The kernel's first cell has a script of its own, which finds it again.
        Assert.All(theirs.Zip(ours).Where(c => c.First!["cell_type"]!.GetValue<string>() == "code").Skip(1), c => Assert.Equal([.. Outputs(c.Second!)], Outputs(c.First!)));

        static string[] Outputs(JsonNode cell)
        {
            JsonObject[] outputs = [.. cell["outputs"]!.AsArray().Select(o => o!.AsObject())];
            return [Printed(outputs), .. outputs.Where(o => o["data"] is not null).Select(o => Shown(o["data"]!.AsObject().ToDictionary(d => d.Key, d => NotebookFolder.Text(d.Value).ReplaceLineEndings("\n").TrimEnd())))];
        }
    }

    [Fact(Explicit = true)]
    public void It_completes_hands_over_values_cancels_and_shows_progress_in_place()
    {
        string setup = Path.Combine(NotebookFolder.Repository, "notebooks");
        using StdioKernel kernel = new(Tool.Value, setup);
        Assert.Equal("CommandSucceeded", StdioKernel.Type(kernel.Submit("#!import setup.csx")[^1]));
        JsonObject completions = kernel.Send("RequestCompletions", new JsonObject { ["code"] = "#!", ["linePosition"] = new JsonObject { ["line"] = 0, ["character"] = 2 } }).First(e => StdioKernel.Type(e) == "CompletionsProduced");
        string[] offered = [.. completions["event"]!["completions"]!.AsArray().Select(c => c!["insertText"]!.GetValue<string>().Trim())];
        Assert.Superset(new HashSet<string>(["#!sweep", "#!status", "#!report"]), new HashSet<string>(offered));
        kernel.Submit("int answer = 42;");
        Assert.Equal("42", kernel.Send("RequestValue", new JsonObject { ["name"] = "answer", ["mimeType"] = "application/json" }).Single(e => StdioKernel.Type(e) == "ValueProduced")["event"]!["formattedValue"]!["value"]!.GetValue<string>());

        IReadOnlyList<JsonObject> live = kernel.Submit("LiveOutput place = new();\nfor (int i = 0; i < 3; i++) { place.Show(i); }");
        Assert.Equal(3, live.Count(e => StdioKernel.Type(e).StartsWith("DisplayedValue", StringComparison.Ordinal)));
        Assert.Single(StdioKernel.Page(live));

        bool asked = false;
        IReadOnlyList<JsonObject> stopped = kernel.Submit("Console.WriteLine(\"waiting\");\nNotebook.Cancellation.WaitHandle.WaitOne();\nNotebook.Cancellation.ThrowIfCancellationRequested();", e =>
        {
            if (StdioKernel.Type(e) == "StandardOutputValueProduced" && !asked)
            {
                asked = true;
                kernel.Post("Cancel", []);
            }
        });
        Assert.Equal("CommandFailed", StdioKernel.Type(stopped[^1]));
        Assert.Equal("CommandSucceeded", StdioKernel.Type(kernel.Submit("answer")[^1]));
    }

    [Fact(Explicit = true)]
    public void Our_package_readies_it_with_two_lines()
    {
        LocalPackages packages = LocalPackages.Make(_folder);
        using StdioKernel kernel = new(Tool.Value, _folder.Path, packages.Environment);
        IReadOnlyList<JsonObject> installed = kernel.Submit($"#i \"nuget:{packages.Folder}\"\n#r \"nuget: NextStep.Research.Notebooks\"");
        Assert.True(StdioKernel.Type(installed[^1]) == "CommandSucceeded", $"{installed[^1]["event"]}");
        Assert.Equal("image/png", Assert.Single(Assert.Single(StdioKernel.Page(kernel.Submit("(rand(3, 8, 8) * 2 - 1).AsPicture()"))).Keys));
        Assert.Contains("<iframe", Assert.Single(StdioKernel.Page(kernel.Submit("new Figure(\"a\", \"x\", \"y\", [new FigureSeries(\"line\", [1, 2], [1, 4])])")))["text/html"], StringComparison.Ordinal);
        Assert.Contains("there is no run folder nowhere", $"{kernel.Submit("#!report nowhere")[^1]["event"]}", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"[0-9]+(\.[0-9]+)?")]
    private static partial Regex Numbers();

    private static string[] Tags(JsonNode cell) => [.. (cell["metadata"]!["tags"] as JsonArray ?? []).Select(t => t!.GetValue<string>())];

    private static string Printed(IEnumerable<JsonObject> outputs) => string.Concat(outputs.Where(o => o["name"]?.GetValue<string>() == "stdout").Select(o => NotebookFolder.Text(o["text"])));

    private static string Shown(IDictionary<string, string> data) => string.Join('\n', data.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => $"{d.Key}: {d.Value}"));

    private static string Install()
    {
        string folder = Path.Combine(Path.GetTempPath(), $"nextstep-dotnet-interactive-{Version}"), tool = Path.Combine(folder, OperatingSystem.IsWindows() ? "dotnet-interactive.exe" : "dotnet-interactive");
        if (!File.Exists(tool))
        {
            (int code, string said) = Run("dotnet", ["tool", "install", Package, "--version", Version, "--tool-path", folder]);
            Assert.SkipUnless(code == 0, $"{Package} {Version} cannot be installed: {said.Trim()}");
        }
        return tool;
    }

    private static (int Code, string Said) Run(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardError = true };
        start.Environment["DOTNET_INTERACTIVE_CLI_TELEMETRY_OPTOUT"] = "1";
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }
        using Process process = Process.Start(start)!;
        string said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, said);
    }
}
