using TorchSharp;

namespace NextStep.Research.Experiments.Tests;

/// <summary>What <c>plan</c> and <c>sweep</c> say of a user's pictures before anything is trained.</summary>
[Collection(nameof(CommandLine))]
public sealed class DataReportTests : IDisposable
{
    private static readonly byte[] Png = ImageFile.EncodePng(torch.zeros(3, 8, 8));
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_split_with_an_empty_side_is_refused_with_the_mend_and_the_mend_works()
    {
        Pictures(60, _ => "a photo of sks dog");
        string file = _folder.Write("one.yaml", $"data: {{ source: folder, path: {_folder.File("pics")}, imageSize: 8 }}");
        foreach (string verb in (string[])["plan", "sweep"])
        {
            (int code, _, string error) = CommandLine.Call(verb, file, "--out", _folder.File("run"));
            Assert.Equal(1, code);
            Assert.Contains("Of 60 pictures, pictures with one caption stay on one side, and there are 1 different captions: set data.heldOut.by: picture", error, StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists(_folder.File("run")));
        Assert.Equal(0, CommandLine.Call("plan", file, "--out", _folder.File("run"), "--set", "data.heldOut.by=picture").Code);
        Assert.Equal(0, CommandLine.Call("plan", file, "--out", _folder.File("run"), "--set", "data.heldOut.names=[1.png, 2.png]").Code);
        Assert.Contains("'none.png'", CommandLine.Call("plan", file, "--out", _folder.File("run"), "--set", "data.heldOut.names=[none.png]").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_names_what_is_not_used_and_says_what_a_cap_cuts()
    {
        Pictures(60, i => $"caption {i}");
        File.WriteAllBytes(_folder.File("pics/7.png"), Png[..(Png.Length / 2)]);
        File.Delete(_folder.File("pics/8.txt"));
        string file = _folder.Write("many.yaml", $"data: {{ source: folder, path: {_folder.File("pics")}/, imageSize: 8, images: 20 }}");
        (int code, _, string error) = CommandLine.Call("plan", file, "--out", _folder.File("run"));
        Assert.Equal(0, code);
        Assert.Contains(": 7.png", error, StringComparison.Ordinal);
        Assert.Contains("1 not used: there is no caption file beside it: 8.png", error, StringComparison.Ordinal);
        Assert.Contains("training pictures are used (data.images), drawn by a fixed permutation", error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_report_of_a_run_folder_is_read_as_written_and_damage_is_named()
    {
        Directory.CreateDirectory(_folder.File("run"));
        RunFolder run = new(_folder.File("run"));
        Assert.Null(DataReport.Read(run));
        SourceReport side = new("folder pics 8 px, train", 3, [new UnusedFiles("the caption is empty", ["a.png", "b.png"])], ["a note"]);
        new DataReport([new ArmData([Arm.Baseline], side, side with { Unused = [], Notes = [] }, 3)]).Write(run);
        DataReport read = DataReport.Read(run)!;
        Assert.Equal(["2 not used: the caption is empty: a.png, b.png", "folder pics 8 px, train: a note"], read.Lines);
        File.WriteAllText(_folder.File("run/data.json"), """{"data": [{"arms": []}]}""");
        Assert.Contains("data.json is damaged", Assert.Throws<InvalidDataException>(() => DataReport.Read(run)).Message, StringComparison.Ordinal);
    }

    private void Pictures(int count, Func<int, string> caption)
    {
        Directory.CreateDirectory(_folder.File("pics"));
        for (int i = 0; i < count; i++)
        {
            File.WriteAllBytes(_folder.File($"pics/{i}.png"), Png);
            File.WriteAllText(_folder.File($"pics/{i}.txt"), caption(i));
        }
    }
}
