using System.Text.Json.Nodes;
using NextStep.Research.Experiments;

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
        "try\n{\n    LiveSweep.Run(ExperimentFile.Load(\"sweep.yaml\"), \"run\", new System.Threading.CancellationToken(true));\n}\ncatch (OperationCanceledException)\n{\n}",
        "#!status run --watch",
        "#!report run",
    ];

    private readonly NotebookFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Our_types_show_alike_in_the_real_kernel_and_in_the_runner()
    {
        _folder.Write("setup.csx", File.ReadAllText(Path.Combine(NotebookFolder.Repository, "notebooks", "setup.csx"))
            .Replace("../src/", NotebookFolder.Repository.Replace('\\', '/').TrimEnd('/') + "/src/", StringComparison.Ordinal)
            .Replace("/Release/", $"/{RealKernel.Configuration}/", StringComparison.Ordinal));
        _folder.Write("sweep.yaml", "name: sweep\nbaseline: { autoencoder.noiseStrength: 0.3 }\nclaims: [{ say: it draws, test: \"alignment[baseline] > 0.5\" }]\n");
        string notebook = _folder.WriteNotebook("both.ipynb", Cells);
        (NotebookOutcome outcome, JsonArray ours) = _folder.Run(notebook, NotebookFolder.Options with { Interactive = true });
        Assert.Null(outcome.Problem);
        List<JsonObject>[] kernel = RealKernel.Run(_folder, notebook);
        Assert.Empty(RealKernel.Failures(kernel.SelectMany(c => c)));
        for (int i = 0; i < Cells.Length; i++)
        {
            JsonObject[] theirs = RealKernel.Page(kernel[i]);
            JsonObject[] mine = [.. ours[i]!["outputs"]!.AsArray().Select(o => o!.AsObject())];
            Assert.Equal(theirs.Select(Types), mine.Select(Types));
            if (i >= 3)
            {
                Assert.Equal(theirs.Select(Values), mine.Select(Values));
            }
        }
        Assert.Contains("<iframe", kernel[2][0]["data"]!["text/html"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains(">it draws<", Values(RealKernel.Page(kernel[10])[0]), StringComparison.Ordinal);
        Assert.Contains("plotly", File.ReadAllText(_folder.File(Path.Combine("run", "report.html"))), StringComparison.Ordinal);
        Assert.Equal("", NotebookFolder.Output(ours[6])); // Plotly.NET is in no default context, hence none of its conflicts
    }

    private static string Types(JsonObject output) => string.Join(' ', output["data"]!.AsObject().Select(d => d.Key).Order());

    private static string Values(JsonObject output) => string.Join('\n', output["data"]!.AsObject().Select(d => NotebookFolder.Text(d.Value).ReplaceLineEndings("\n")));

    [Fact]
    public void A_magic_line_that_cannot_be_followed_is_named_with_its_usage()
    {
        Assert.Equal("'#!sweep' names no experiment file; it is #!sweep FILE [--out RUN] [--set path=value …]", Wrong("#!sweep"));
        Assert.Equal("'#!status run --wach' is not understood; it is #!status RUN [--watch]", Wrong("#!status run --wach"));
        Assert.Equal("'#!report' names no run folder; it is #!report RUN", Wrong("#!report"));
        string file = _folder.Write("sweep.yaml", "name: sweep\n");
        Action sweep = Assert.IsType<CellPart.Magic>(Assert.Single(CellParts.Split($"#!sweep --set \"seeds=[0, 1]\" \"{file}\" --set seds=1 --out run"))).Run;
        Assert.Equal("--set: seds: unknown key; did you mean 'seed'?", Assert.Throws<ConfigException>(sweep).Message);
        Assert.Contains("nowhere", Assert.Throws<InvalidDataException>(Assert.IsType<CellPart.Magic>(Assert.Single(CellParts.Split("#!report nowhere"))).Run).Message, StringComparison.Ordinal);

        static string Wrong(string line) => Assert.Throws<CellSyntaxException>(() => CellParts.Split(line)).Message;
    }
}
