namespace NextStep.Research.Notebooks.Tests;

/// <summary>The command line, and the page it exports.</summary>
public sealed class PageTests : IDisposable
{
    private readonly NotebookFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_same_notebook_gives_the_same_bytes_and_a_page_that_escapes_its_code()
    {
        string file = _folder.WriteNotebook("demo.ipynb", "\"<i>text</i>\"", "#!markdown\n**strong** [x](https://example.org)", "var a = new[] { 1, 2 };\na");
        byte[][] runs = [.. Enumerable.Range(0, 2).Select(i =>
        {
            string output = _folder.File($"run{i}.ipynb");
            Assert.Null(NotebookRunner.Run(file, output, NotebookFolder.Options, TestContext.Current.CancellationToken).Problem);
            return File.ReadAllBytes(output);
        })];
        Assert.Equal(runs[0], runs[1]);
        NotebookRunner.WriteHtml(_folder.File("run0.ipynb"), _folder.File("page.html"));
        string page = File.ReadAllText(_folder.File("page.html"));
        Assert.Contains("&lt;i&gt;text&lt;/i&gt;", page, StringComparison.Ordinal);
        Assert.Contains("<strong>strong</strong>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("src=\"http", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<link", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "notebook", "run")]
    [InlineData(2, "notebook", "run", "a.ipynb", "--timeout", "0")]
    [InlineData(2, "notebook", "run", "a.csx", "--in-place")]
    [InlineData(2, "notebook", "run", "a.ipynb", "--in-place", "--out", "b")]
    [InlineData(2, "notebook", "run", "a/x.ipynb", "b/x.ipynb")]
    [InlineData(1, "notebook", "run", "absent.ipynb")]
    public void Wrong_use_is_exit_code_2_and_an_absent_file_1(int expected, params string[] arguments)
    {
        (TextWriter output, TextWriter error) = (Console.Out, Console.Error);
        using StringWriter said = new();
        try
        {
            Console.SetOut(TextWriter.Null);
            Console.SetError(said);
            Assert.Equal(expected, Program.Run(arguments));
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
        Assert.Contains(expected == 2 ? "--help" : "absent.ipynb", said.ToString(), StringComparison.Ordinal);
    }
}
