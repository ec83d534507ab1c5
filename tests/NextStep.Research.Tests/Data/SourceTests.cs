using System.Formats.Tar;
using System.Text;
using TorchSharp;

namespace NextStep.Research.Tests;

public sealed class SourceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("nextstep-sources-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Emoji_split_by_base_and_carry_skin_tones()
    {
        DataConfig config = new() { Source = DataSource.Emoji, Images = 0, ImageSize = 24 };
        using EmojiSource train = new(config, DataSplit.Train);
        using EmojiSource heldOut = new(config, DataSplit.HeldOut);
        Assert.Equal(3786, train.Count + heldOut.Count);
        Assert.InRange(heldOut.Count, 250, 520);
        Assert.Empty(Enumerable.Range(0, train.Count).Select(train.BaseOf).Intersect(Enumerable.Range(0, heldOut.Count).Select(heldOut.BaseOf)));
        string[] captions = [.. Enumerable.Range(0, train.Count).Select(train.Caption), .. Enumerable.Range(0, heldOut.Count).Select(heldOut.Caption)];
        Assert.Contains("thumbs up: dark skin tone", captions);
        using CaptionedImage one = train.Load(0);
        Assert.Equal([3L, 24, 24], one.Pixels.shape);
        Assert.InRange(one.Pixels.abs().max().item<float>(), 0f, 1f);
        Assert.Throws<ArgumentException>(() => new EmojiSource(config with { Groups = ["plumbing"] }, DataSplit.Train));
    }

    [Fact]
    public void Folder_reads_what_it_can_and_names_the_rest()
    {
        Write("good.png", 20, 12);
        Write("cut.png", 40, 40);
        byte[] whole = File.ReadAllBytes(Path.Combine(_folder, "cut.png"));
        File.WriteAllBytes(Path.Combine(_folder, "cut.png"), whole[..(whole.Length / 2)]);
        File.WriteAllText(Path.Combine(_folder, "text.png"), "no picture");
        string[] lines =
        [
            """{"image": "good.png", "caption": "a good one"}""", """{"image": "cut.png", "caption": "cut"}""",
            """{"image": "text.png", "caption": "text"}""", """{"image": "../outside.png", "caption": "outside"}""",
            """{"image": "absent.png", "caption": "absent"}""", "{ broken", """{"image": "good.png"}""",
        ];
        File.WriteAllLines(Path.Combine(_folder, "captions.jsonl"), lines);
        DataConfig config = new() { Source = DataSource.Folder, Path = _folder, ImageSize = 8, Images = 0 };
        using IImageSource train = ImageSources.Open(config, DataSplit.Train, 0);
        using IImageSource heldOut = ImageSources.Open(config, DataSplit.HeldOut, 0);
        IImageSource holder = train.Count == 1 ? train : heldOut;
        Assert.Equal(1, train.Count + heldOut.Count);
        Assert.Equal("a good one", holder.Caption(0));
        using CaptionedImage one = holder.Load(0);
        Assert.Equal([3L, 8, 8], one.Pixels.shape);
        string[] reported = [.. train.Unreadable.Concat(heldOut.Unreadable).Select(u => u.File).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal(["../outside.png", "absent.png", "captions.jsonl:6", "cut.png", "good.png (captions.jsonl:7)", "text.png"], reported);
    }

    [Fact]
    public void Side_files_serve_as_captions()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "deep"));
        Write("deep/a.png", 9, 9);
        Write("lonely.png", 9, 9);
        File.WriteAllText(Path.Combine(_folder, "deep", "a.txt"), " the caption \n");
        DataConfig config = new() { Source = DataSource.Folder, Path = _folder, ImageSize = 9, Images = 0 };
        using IImageSource train = ImageSources.Open(config, DataSplit.Train, 0);
        using IImageSource heldOut = ImageSources.Open(config, DataSplit.HeldOut, 0);
        Assert.Equal(1, train.Count + heldOut.Count);
        Assert.Equal("the caption", (train.Count == 1 ? train : heldOut).Caption(0));
        Assert.Contains(train.Unreadable, u => u.File == "lonely.png");
    }

    [Fact]
    public void Both_splits_at_once_are_those_opened_one_by_one()
    {
        for (int i = 0; i < 40; i++)
        {
            Write($"{i}.png", 9, 9);
            File.WriteAllText(Path.Combine(_folder, $"{i}.txt"), $"caption {i}");
        }
        DataConfig files = new() { Source = DataSource.Folder, Path = _folder, ImageSize = 9, Images = 20 };
        foreach (DataConfig config in new[] { files, files with { Source = DataSource.Emoji }, files with { Source = DataSource.Shapes, ImageSize = 32 } })
        {
            (IImageSource train, IImageSource heldOut) = ImageSources.OpenBoth(config, 3);
            using (train)
            using (heldOut)
            {
                Assert.Equal(All(DataSplit.Train, config), Of(train));
                Assert.Equal(All(DataSplit.HeldOut, config), Of(heldOut));
                Assert.NotEmpty(Of(heldOut));
            }
        }

        string[] All(DataSplit split, DataConfig config)
        {
            using IImageSource source = ImageSources.Open(config, split, 3);
            return Of(source);
        }

        static string[] Of(IImageSource source) => [source.Name, .. source.Notes, .. Enumerable.Range(0, Math.Min(30, source.Count)).Select(i => $"{source.Id(i)} {source.Caption(i)}")];
    }

    [Fact]
    public void Missing_and_empty_folders_are_named()
    {
        DataConfig config = new() { Source = DataSource.Folder, Path = Path.Combine(_folder, "nowhere") };
        Assert.Contains("nowhere", Assert.Throws<DirectoryNotFoundException>(() => FileReading.OfFolder(config)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => FileReading.OfFolder(config with { Path = _folder }));
        Assert.Throws<InvalidDataException>(() => FileReading.OfShards(config with { Path = _folder }));
        Assert.Throws<ArgumentException>(() => FileReading.OfFolder(config with { Path = null }));
    }

    [Fact]
    public void Shards_give_pictures_captions_and_damage()
    {
        Write("a.png", 10, 10);
        byte[] png = File.ReadAllBytes(Path.Combine(_folder, "a.png"));
        string shard = Path.Combine(_folder, "s-000.tar");
        using (FileStream stream = File.Create(shard))
        using (TarWriter writer = new(stream))
        {
            Add(writer, "0001.png", png);
            Add(writer, "0001.txt", Encoding.UTF8.GetBytes("first"));
            Add(writer, "0002.png", png);
            Add(writer, "0002.json", Encoding.UTF8.GetBytes("""{"caption": "second"}"""));
            Add(writer, "0003.png", png[..30]);
            Add(writer, "0003.txt", Encoding.UTF8.GetBytes("cut"));
            Add(writer, "0004.png", png);
        }
        File.WriteAllBytes(Path.Combine(_folder, "s-001.tar"), [.. Enumerable.Repeat((byte)'x', 2000)]);
        DataConfig config = new() { Source = DataSource.Webdataset, Path = _folder, ImageSize = 10, Images = 0 };
        using IImageSource train = ImageSources.Open(config, DataSplit.Train, 0);
        using IImageSource heldOut = ImageSources.Open(config, DataSplit.HeldOut, 0);
        string[] captions = [.. new[] { train, heldOut }.SelectMany(s => Enumerable.Range(0, s.Count).Select(s.Caption)).Order(StringComparer.Ordinal)];
        Assert.Equal(["first", "second"], captions);
        string[] reported = [.. train.Unreadable.Concat(heldOut.Unreadable).Select(u => u.File).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal(["a.png", "s-000.tar/0003.png", "s-000.tar/0004.png", "s-001.tar"], reported);
        IImageSource holder = train.Count > 0 ? train : heldOut;
        using CaptionedImage one = holder.Load(0);
        using torch.Tensor direct = ImageFile.Load(Path.Combine(_folder, "a.png"));
        Assert.True(one.Pixels.equal(direct).all().item<bool>());
    }

    private static void Add(TarWriter writer, string name, byte[] content) =>
        writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });

    private void Write(string name, int height, int width)
    {
        using torch.Generator random = Streams.For(8, name);
        using torch.Tensor pixels = torch.rand(3, height, width, generator: random).mul_(2).sub_(1);
        ImageFile.Save(Path.Combine(_folder, name), pixels);
    }
}
