using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>The notebooks of the repository as they are committed: their outputs are those of their code.</summary>
public sealed class CommittedNotebookTests
{
    private const long MaximumBytes = 1 << 20;

    private static readonly string Folder = Path.Combine(NotebookFolder.Repository, "notebooks");

    private static string[] Files => Directory.GetFiles(Folder, "*.ipynb");

    [Fact]
    public void Outputs_come_from_the_code_beside_them()
    {
        Assert.SkipWhen(Files.Length == 0, "there is no notebook");
        foreach (string file in Files)
        {
            NotebookDocument notebook = NotebookReader.Read(file);
            Assert.True(notebook.Metadata["nextstep"]?["source"]?.GetValue<string>() == SourceHash.Of(notebook),
                $"{notebook.Name}: its code or setup.csx was changed after its outputs were made; run: nextstep notebook run notebooks/{notebook.Name} --in-place");
        }
    }

    [Fact]
    public void Every_cell_ran_in_order_and_none_failed_that_should_not()
    {
        Assert.SkipWhen(Files.Length == 0, "there is no notebook");
        foreach (string file in Files)
        {
            int count = 0;
            foreach (JsonNode? cell in JsonNode.Parse(File.ReadAllText(file))!["cells"]!.AsArray().Where(c => c!["cell_type"]!.GetValue<string>() == "code"))
            {
                string[] tags = [.. (cell!["metadata"]!["tags"] as JsonArray ?? []).Select(t => t!.GetValue<string>())];
                string[] outputs = [.. cell["outputs"]!.AsArray().Select(o => o!["output_type"]!.GetValue<string>())];
                string place = $"{Path.GetFileName(file)}, cell {cell["id"]}";
                int? expected = tags.Contains("skip-ci") ? null : ++count;
                Assert.True(expected == cell["execution_count"]?.GetValue<int>(), $"{place} is not the {expected}th that ran: {cell["execution_count"]}");
                Assert.True(tags.Contains("raises-exception") == outputs.Contains("error"), $"{place}: {NotebookFolder.Output(cell)}");
            }
        }
    }

    [Fact]
    public void They_leave_no_tensor_behind() => Assert.All(Files, file =>
        Assert.Equal((Path.GetFileName(file), 0), (Path.GetFileName(file), NotebookReader.Read(file).Metadata["nextstep"]?["tensorsLeft"]?.GetValue<int>())));

    [Fact]
    public void They_are_small_start_alike_and_name_no_machine()
    {
        Assert.SkipWhen(Files.Length == 0, "there is no notebook");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        foreach (string file in Files)
        {
            string text = File.ReadAllText(file);
            Assert.True(new FileInfo(file).Length < MaximumBytes, $"{file} has {new FileInfo(file).Length} bytes");
            Assert.DoesNotContain(JsonEncodedText.Encode(NotebookFolder.Repository).ToString(), text, StringComparison.Ordinal);
            Assert.DoesNotContain(home + "/", text, StringComparison.Ordinal);
            Assert.Equal("#!import setup.csx", NotebookReader.Read(file).Cells.First(c => c.Kind == CellKind.Code).Source.Trim());
        }
    }

    [Fact]
    public void Jupyters_own_nbformat_accepts_them_and_what_the_runner_writes()
    {
        const string python = "/usr/bin/python3";
        Assert.SkipUnless(File.Exists(python) && Python(python, "import nbformat").Code == 0, "python3-nbformat is not installed");
        using NotebookFolder folder = new();
        (NotebookOutcome outcome, _) = folder.Run(folder.WriteNotebook("all.ipynb",
            "1", "#!html\n<b>b</b>", "Console.WriteLine(1);", "@raises-exception\nthrow new Exception();", "@skip-ci\n1", "\"{\\\"a\\\":1}\".DisplayAs(\"application/json\");", "\"AA==\".DisplayAs(\"image/png\");"));
        Assert.Null(outcome.Problem);
        (int code, string said) = Python(python, "import nbformat, sys\nfor f in sys.argv[1:]: nbformat.validate(nbformat.read(f, as_version=nbformat.NO_CONVERT))", [folder.File("executed.ipynb"), .. Files]);
        Assert.True(code == 0, said);
        Assert.DoesNotContain("Warning", said, StringComparison.Ordinal);
    }

    // nbconvert 6.5 empties an SVG, so a chart must not be one.
    [Fact]
    public void Nbconvert_shows_every_picture_of_them()
    {
        const string python = "/usr/bin/python3";
        Assert.SkipUnless(File.Exists(python) && Python(python, "import nbconvert").Code == 0, "python3-nbconvert is not installed");
        const string program = """
            import json, re, sys, nbconvert
            for name in sys.argv[1:]:
                page = nbconvert.HTMLExporter().from_filename(name)[0]
                outputs = [o for c in json.load(open(name))["cells"] for o in c.get("outputs", []) if "data" in o]
                missing = [o for o in outputs if "image/svg+xml" in o["data"] or "".join(o["data"].get("image/png", "")).strip() not in page]
                wide = [o["metadata"]["image/png"]["width"] for o in outputs if "image/png" in o["metadata"]]
                if missing or any(not re.search(rf'\swidth="?{w}\b', page) for w in wide):
                    sys.exit(f"{name}: {len(missing)} of its outputs are missing in the page, or have lost their width")
            """;
        (int code, string said) = Python(python, program, Files);
        Assert.True(code == 0, said);
    }

    private static (int Code, string Said) Python(string python, string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(python, ["-c", program, .. arguments]) { RedirectStandardError = true })!;
        string said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, said);
    }
}
