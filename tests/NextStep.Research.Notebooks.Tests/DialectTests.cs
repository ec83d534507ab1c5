using System.Text.Json.Nodes;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>One notebook that uses everything cells may use, run once.</summary>
public sealed class DialectTests : IClassFixture<DialectTests.Run>
{
    private static readonly (string Source, string Expected)[] Cells =
    [
        ("#!import helpers.csx\nHelped(20)", "42"),
        ("#!import other.ipynb", "from other"),
        ("FromOther + 1", "8"),
        ("#!import sections.dib\nFromSections", "dib value"),
        ("#load \"loaded.csx\"\nLoaded()", "loaded"),
        ("await Task.Delay(1);\nint awaited = await Task.FromResult(5);\nawaited * 2", "10"),
        ("record Point(int X, int Y);\nstatic int Twice(this int x) => 2 * x;\nint[] a = [1, 2, 3];\n$\"{new Point(1, 2)} {a[^1].Twice()}\"", "Point { X = 1, Y = 2 } 6"),
        ("string awaited = \"declared anew\";\nawaited", "declared anew"),
        ("Console.Write(\"to \"); Console.WriteLine(\"out\"); Console.Error.WriteLine(\"to err\");", "to out\n\nto err"),
        ("unsafe { int x = 3; int* p = &x; Console.WriteLine(*p); }", "3"),
        ("#!html\n<b>bold</b>", "<b>bold</b>"),
        ("#!markdown\n# Title\n#!csharp\n\"after\"", "# Title\nafter"),
        ("\"base64\".DisplayAs(\"image/png\");", "base64"),
        ("#!time\n1", "Wall time:"),
        ("#!about", ".NET 10"),
        ("#r \"nuget: TorchSharp, 0.107.0\"\n#i \"nuget:https://example.org\"\nreturn 5;", "5"),
        ("Console.ReadLine() is null", "True"),
        ("System.IO.Path.GetFileName(Environment.CurrentDirectory) == \"FOLDER\"", "True"),
        ("@raises-exception\nint kept = 7;\n\nthrow new InvalidOperationException(\"on purpose\");", "dialect.ipynb, cell 19, line 3\nSystem.InvalidOperationException: on purpose"),
        ("kept", "7"),
        ("@raises-exception\nint fine = 1;\nint broken = \"text\";", "dialect.ipynb, cell 21, line 2\nerror: CS0029"),
        ("@raises-exception\nHelped(-1)", "helpers.csx, line 2\nSystem.ArgumentException: negative"),
        ("@raises-exception\n1.Display()", "end Display() with a semicolon"),
        ("@raises-exception\nusing var x = new System.IO.MemoryStream();", "CS1002"),
        ("@raises-exception\n1 +\n#!fsharp\n1", "cell 25, line 2\nerror: cells in fsharp do not run here"),
        ("@raises-exception\n#!import absent.csx", "cell 26, line 1\nerror: There is no notebook absent.csx"),
        ("@raises-exception\n#!import loop.csx", "nested more than 10 deep"),
        ("@raises-exception\n\n#r \"nuget: TorchSharp, 0.106.0\"", "cell 28, line 2\nerror: package TorchSharp is 0.107.0 in this solution, not 0.106.0"),
        ("@raises-exception\n#r \"nuget: Humanizer, 2.14.1\"", "package Humanizer is not part of this solution"),
        ("@raises-exception\n#r \"nuget: TorchSharp\"", "name the version"),
        ("@raises-exception\n#r \"absent.dll\"", "CS0006"),
        ("@skip-ci\nEnvironment.Exit(3);", ""),
    ];

    private readonly Run _run;

    public DialectTests(Run run) => _run = run;

    public static TheoryData<int> Numbers => [.. Enumerable.Range(0, Cells.Length)];

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Each_cell_does_what_the_kernel_does(int cell)
    {
        string output = NotebookFolder.Output(_run.Cells[cell]);
        Assert.True(Cells[cell].Expected.Length == 0 ? output.Length == 0 : output.Contains(Cells[cell].Expected, StringComparison.Ordinal), $"cell {cell + 1}: {output}");
    }

    [Fact]
    public void The_closing_line_counts_and_says_what_was_not_run()
    {
        Assert.Null(_run.Outcome.Problem);
        Assert.Equal($"dialect.ipynb: {Cells.Length - 1} cells passed, 0 failed, 1 not run", _run.Outcome.ToString());
    }

    [Fact]
    public void Cells_are_numbered_in_order_and_those_not_run_are_not()
    {
        int?[] counts = [.. _run.Cells.Select(c => c!["execution_count"]?.GetValue<int>())];
        Assert.Equal([.. Enumerable.Range(1, Cells.Length - 1).Select(i => (int?)i), null], counts);
    }

    public sealed class Run : IDisposable
    {
        private readonly NotebookFolder _folder = new();

        public Run()
        {
            _folder.Write("helpers.csx", "using System.IO;\nint Helped(int x) => x < 0\n  ? throw new ArgumentException(\"negative\")\n  : 2 * x + 2;\n");
            _folder.Write("loaded.csx", "string Loaded() => \"loaded\";");
            _folder.Write("loop.csx", "#!import loop.csx");
            _folder.Write("sections.dib", "#!meta\n\n{\"kernelInfo\":{}}\n\n#!markdown\n\n# Prose\n\n#!csharp\n\nstring FromSections = \"dib value\";\n");
            _folder.WriteNotebook("other.ipynb", "int FromOther = 7;", "Console.WriteLine(\"from other\");");
            string name = Path.GetFileName(_folder.Path);
            (Outcome, Cells) = _folder.Run(_folder.WriteNotebook("dialect.ipynb", [.. DialectTests.Cells.Select(c => c.Source.Replace("FOLDER", name, StringComparison.Ordinal))]));
        }

        internal NotebookOutcome Outcome { get; }

        public JsonArray Cells { get; }

        public void Dispose() => _folder.Dispose();
    }
}
