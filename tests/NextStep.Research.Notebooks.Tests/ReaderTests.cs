namespace NextStep.Research.Notebooks.Tests;

/// <summary>Files that are read: what is accepted, and how the rest is refused.</summary>
public sealed class ReaderTests : IDisposable
{
    private const string Good = """{"cells":[{"cell_type":"code","source":["1\n","2"],"metadata":{},"outputs":[],"execution_count":null}],"metadata":{},"nbformat":4,"nbformat_minor":4}""";

    private readonly NotebookFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "not JSON at line 1")]
    [InlineData("[]", "no list of cells")]
    [InlineData("{\"cells\":[]}", "no list of cells")]
    [InlineData("{\"cells\":{},\"nbformat\":4}", "no list of cells")]
    [InlineData("{\"cells\":[],\"nbformat\":3}", "has nbformat 3")]
    [InlineData("{\"cells\":[],\"nbformat\":\"4\"}", "has nbformat")]
    [InlineData("{\"cells\":[1],\"nbformat\":4}", "cell 1 has no source")]
    [InlineData("{\"cells\":[{\"source\":[1],\"cell_type\":\"code\"}],\"nbformat\":4}", "cell 1 has no source")]
    [InlineData("{\"cells\":[{\"source\":\"\",\"cell_type\":\"heading\"}],\"nbformat\":4}", "neither code, markdown nor raw")]
    [InlineData("{\"cells\":[],\"cells\":[],\"nbformat\":4}", "a key occurs twice")]
    [InlineData("{\"cells\":[],\"nbformat\":4,\"metadata\":{\"kernelspec\":{\"language\":\"python\"}}}", "a notebook in python")]
    public void A_damaged_notebook_is_refused_in_one_sentence_that_names_it(string text, string reason)
    {
        string file = _folder.Write("bad.ipynb", text);
        string message = Assert.Throws<InvalidDataException>(() => NotebookRunner.Run(file, _folder.File("out.ipynb"), NotebookFolder.Options, TestContext.Current.CancellationToken)).Message;
        Assert.StartsWith(file, message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("out.ipynb")));
    }

    [Fact]
    public void Every_truncation_is_refused_or_read_and_never_crashes()
    {
        for (int length = 0; length < Good.Length; length++)
        {
            string file = _folder.Write("cut.ipynb", Good[..length]);
            Assert.Contains(file, Assert.Throws<NotebookFileException>(() => NotebookReader.Read(file)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_is_absent_binary_deep_or_of_another_kind_is_refused()
    {
        Assert.Contains("There is no notebook", Refusal(_folder.File("absent.ipynb")), StringComparison.Ordinal);
        Assert.Contains("is a folder", Refusal(_folder.Path), StringComparison.Ordinal);
        File.WriteAllBytes(_folder.File("binary.ipynb"), [0xff, 0xfe, 0x00, 0x80]);
        Assert.Contains("is not UTF-8", Refusal(_folder.File("binary.ipynb")), StringComparison.Ordinal);
        Assert.Contains("not JSON", Refusal(_folder.Write("deep.ipynb", new string('[', 100_000))), StringComparison.Ordinal);
        Assert.Contains("is no notebook: known are", Refusal(_folder.Write("notes.txt", "")), StringComparison.Ordinal);

        static string Refusal(string file) => Assert.Throws<NotebookFileException>(() => NotebookReader.Read(file)).Message;
    }

    [Fact]
    public void Older_and_foreign_notebooks_get_what_4_5_wants_and_lose_nothing()
    {
        string file = _folder.Write("old.ipynb", """
            {"cells":[{"cell_type":"markdown","source":"![a](attachment:a.png)","metadata":{"custom":1},"attachments":{"a.png":{"image/png":"AA=="}}},
            {"cell_type":"code","id":"bad id!","source":"1\r\n2","metadata":{"tags":["x"]},"outputs":[],"execution_count":1}],"metadata":{"other":true},"nbformat":4,"nbformat_minor":2}
            """);
        NotebookDocument read = NotebookReader.Read(file);
        NotebookWriter.Write(read, [null, null], null, _folder.File("new.ipynb"));
        NotebookDocument again = NotebookReader.Read(_folder.File("new.ipynb"));
        Assert.Equal(["cell-1", "cell-2"], again.Cells.Select(c => c.Id));
        Assert.Equal("1\n2", again.Cells[1].Source);
        Assert.True(again.Cells[1].HasTag("x"));
        Assert.Equal("AA==", again.Cells[0].Attachments!["a.png"]!["image/png"]!.GetValue<string>());
        Assert.Equal(1, again.Cells[0].Metadata["custom"]!.GetValue<int>());
        Assert.True(again.Metadata["other"]!.GetValue<bool>());
        byte[] bytes = File.ReadAllBytes(_folder.File("new.ipynb"));
        NotebookWriter.Write(again, [null, null], null, _folder.File("new.ipynb"));
        Assert.Equal(bytes, File.ReadAllBytes(_folder.File("new.ipynb")));
    }

    [Fact]
    public void Emoji_are_written_as_they_are_and_what_looks_like_an_escape_stays_one()
    {
        string source = "# 😀 of \\ud83d\\ude00";
        NotebookDocument read = NotebookReader.Read(_folder.Write("e.ipynb", $$"""
            {"cells":[{"cell_type":"markdown","id":"a","metadata":{},"source":{{System.Text.Json.JsonSerializer.Serialize(source)}}}],"metadata":{},"nbformat":4,"nbformat_minor":5}
            """));
        NotebookWriter.Write(read, [null], null, _folder.File("new.ipynb"));
        Assert.Contains("# 😀 of \\\\ud83d\\\\ude00", File.ReadAllText(_folder.File("new.ipynb")), StringComparison.Ordinal);
        Assert.Equal(source, NotebookReader.Read(_folder.File("new.ipynb")).Cells[0].Source);
    }

    [Fact]
    public void The_hash_of_the_source_sees_code_tags_and_imports_and_not_prose()
    {
        _folder.Write("helper.csx", "int a = 1;");
        string Hash(string code, string prose = "prose") => SourceHash.Of(new NotebookDocument(_folder.File("n.ipynb"),
            [new NotebookCell("a", CellKind.Markdown, "", prose, []), NotebookReader.Code(2, code)], []));
        string before = Hash("#!import helper.csx\na");
        Assert.Equal(before, Hash("#!import helper.csx\na\n", "other prose"));
        Assert.NotEqual(before, Hash("#!import helper.csx\na + 1"));
        _folder.Write("helper.csx", "int a = 2;");
        Assert.NotEqual(before, Hash("#!import helper.csx\na"));
    }
}
