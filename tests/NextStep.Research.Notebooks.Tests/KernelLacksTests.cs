using System.Text.Json.Nodes;
using Microsoft.DotNet.Interactive.Documents;
using Jupyter = Microsoft.DotNet.Interactive.Documents.Jupyter;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>Why the runner has a session, a reader and a writer of its own: what those of .NET Interactive do not give. A test that fails here says that ours may go.</summary>
public sealed class KernelLacksTests : IDisposable
{
    private readonly NotebookFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_kernel_names_no_line_of_an_exception_and_loses_what_a_thread_prints_after_its_cell()
    {
        _folder.Write("helper.csx", "int Half(int x)\n{\n    return x % 2 == 0 ? x / 2 : throw new ArgumentException(\"odd\");\n}\n");
        string file = _folder.WriteNotebook("lacks.ipynb",
            "#!import helper.csx",
            "var gate = new System.Threading.ManualResetEventSlim();\nvar late = new System.Threading.Thread(() => { gate.Wait(); Console.WriteLine(\"late\"); System.IO.File.WriteAllText(\"printed\", \"\"); });\nlate.Start();",
            "gate.Set();\nlate.Join();\nConsole.WriteLine(\"next\");",
            "@raises-exception\nHalf(4);\nHalf(3);");
        (NotebookOutcome outcome, JsonArray ours) = _folder.Run(file);
        Assert.Null(outcome.Problem);
        Assert.Contains("helper.csx, line 3", NotebookFolder.Output(ours[3]), StringComparison.Ordinal);
        Assert.Equal("late\nnext", NotebookFolder.Output(ours[2]).Trim());

        File.Delete(_folder.File("printed"));
        List<JsonObject>[] kernel = RealKernel.Run(_folder, file);
        string failure = Assert.Single(RealKernel.Failures(kernel[3]));
        Assert.Contains("System.ArgumentException: odd", failure, StringComparison.Ordinal);
        Assert.DoesNotContain("line", failure, StringComparison.Ordinal);
        Assert.True(File.Exists(_folder.File("printed")));
        Assert.Contains(kernel[2], e => e.ToJsonString().Contains("next", StringComparison.Ordinal));
        Assert.DoesNotContain("late", string.Concat(kernel.SelectMany(c => c).Select(e => e.ToJsonString())), StringComparison.Ordinal);
    }

    [Fact]
    public void The_documents_library_loses_parts_of_a_notebook_and_reads_an_older_format_as_an_empty_one()
    {
        const string cells = """
            {"cell_type":"markdown","id":"prose","source":"![a](attachment:a.png)","metadata":{},"attachments":{"a.png":{"image/png":"AA=="}}},
            {"cell_type":"raw","id":"raw","source":"raw","metadata":{}}
            """;
        JsonArray theirs = Written(Parse($$"""{"cells":[{{cells}}],"metadata":{},"nbformat":4,"nbformat_minor":5}"""));
        Assert.Null(theirs[0]!["attachments"]);
        Assert.Equal("code", theirs[1]!["cell_type"]!.GetValue<string>());
        Assert.Empty(Parse("""{"worksheets":[],"metadata":{},"nbformat":3,"nbformat_minor":0}""").Elements);
        InteractiveDocument json = Parse("""{"cells":[{"cell_type":"code","id":"a","source":"1","metadata":{},"execution_count":1,"outputs":[{"output_type":"display_data","data":{"application/json":{"a":1}},"metadata":{}}]}],"metadata":{},"nbformat":4,"nbformat_minor":5}""");
        Assert.Throws<ArgumentException>(() => Written(json));

        string file = _folder.Write("parts.ipynb", $$"""{"cells":[{{cells}}],"metadata":{},"nbformat":4,"nbformat_minor":5}""");
        NotebookWriter.Write(NotebookReader.Read(file), [null, null], null, file);
        JsonArray ours = JsonNode.Parse(File.ReadAllText(file))!["cells"]!.AsArray();
        Assert.Equal("AA==", ours[0]!["attachments"]!["a.png"]!["image/png"]!.GetValue<string>());
        Assert.Equal("raw", ours[1]!["cell_type"]!.GetValue<string>());

        static InteractiveDocument Parse(string text) => Jupyter.Notebook.Parse(text);

        static JsonArray Written(InteractiveDocument document) => JsonNode.Parse(Jupyter.Notebook.ToJupyterJson(document))!["cells"]!.AsArray();
    }
}
