using System.Formats.Tar;
using System.Text;

namespace NextStep.Research.Tests;

/// <summary>Captions as people have them, in shards and in folders: each is read as it stands, or its picture is named.</summary>
public sealed class CaptionKindsTests : IDisposable
{
    private static readonly byte[] Png = ImageFile.EncodePng(TorchSharp.torch.zeros(3, 8, 8));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("1.json", """{"url": "u"}""", "there is no field 'caption'")]
    [InlineData("1.json", """{"caption": null}""", "is null")]
    [InlineData("1.json", """{"caption": 1984}""", "is a number")]
    [InlineData("1.json", """{"caption": ["a", "b"]}""", "is a list")]
    [InlineData("1.json", """{"caption": "pict""", "damaged")]
    [InlineData("1.json", """{"caption": "half \ud83d of it"}""", "lone surrogate")]
    [InlineData("1.json", """["caption"]""", "no object")]
    [InlineData("1.txt", "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n", "the caption file is a Git LFS pointer to 12 bytes")]
    [InlineData("1.json", "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n", "the caption file is a Git LFS pointer to 12 bytes")]
    [InlineData("1.txt", "<!DOCTYPE html><title>Not found</title>", "the caption file is an HTML page")]
    [InlineData("1.txt", "", "the caption is empty")]
    [InlineData("1.txt", " \r\n\u200B", "the caption is empty")]
    [InlineData("1.txt", "caf\u00E9|latin1", "not UTF-8")]
    [InlineData("1.txt", "wide|utf16", "not UTF-8")]
    [InlineData("1.url.txt", "http://x", "there is no caption of the same name")]
    public void A_caption_that_is_none_costs_its_picture_alone(string name, string content, string reason)
    {
        Shard("s.tar", ("0.png", Png), ("0.txt", Bytes("good")), ("1.png", Png), (name, Bytes(content)), ("2.png", Png), ("2.txt", Bytes("good too")));
        (List<string> captions, IReadOnlyList<UnreadablePicture> unread) = Both(DataSource.Webdataset);
        Assert.Equal(["good", "good too"], captions);
        UnreadablePicture named = Assert.Single(unread);
        Assert.Equal("s.tar/1.png", named.File);
        Assert.Contains(reason, named.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.TXT", "read")]
    [InlineData("1.caption", "read")]
    [InlineData("1.txt", "\uFEFFread\r\n")]
    [InlineData("1.json", """{"caption": "read", "score": NaN, "low": -Infinity, "quote": "NaN \" "}""")]
    public void A_caption_is_read_in_shards_and_beside_pictures(string name, string content)
    {
        Shard("s/s.tar", ("./1.png", Png), ("./" + name, Bytes(content)), ("._1.png", Bytes("hidden")));
        Assert.Equal(["read"], Both(DataSource.Webdataset).Captions);
        Directory.Delete(_folder.File("s"), true);
        File.WriteAllBytes(_folder.File("1.png"), Png);
        File.WriteAllBytes(_folder.File(name), Bytes(content));
        Assert.Equal(["read"], Both(DataSource.Folder).Captions);
    }

    [Fact]
    public void Fields_of_a_sample_are_separate_and_the_text_wins_over_a_poor_json()
    {
        Shard("s.tar",
            ("a.seg.png", Png), ("a.png", Png), ("a.txt", Bytes("of a")), ("a.url.txt", Bytes("http")), ("a.json", Bytes("""{"width": 8}""")),
            ("b.left.jpg", Png), ("b.right.jpg", Png), ("b.txt", Bytes("of b")), ("c.png", Png), ("c.txt", Bytes("first")), ("c.png", Png), ("c.txt", Bytes("second")), ("d.tif", Png));
        Directory.CreateDirectory(_folder.File("more"));
        File.WriteAllText(_folder.File("more/x.tar.gz"), "compressed");
        (List<string> captions, IReadOnlyList<UnreadablePicture> unread) = Both(DataSource.Webdataset);
        Assert.Equal(["first", "of a"], captions);
        Assert.Equal(["more/x.tar.gz", "s.tar/a.seg.png", "s.tar/b.left.jpg", "s.tar/b.right.jpg", "s.tar/c.png", "s.tar/c.txt", "s.tar/d.tif"], unread.Select(u => u.File));
    }

    [Fact]
    public void Tables_and_other_files_of_a_folder_are_read_or_named()
    {
        foreach (string name in (string[])["a.png", "b.jfif", "sub/c.png", "sub/d.png", "e.png", "lone.png"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(name))!);
            File.WriteAllBytes(_folder.File(name), Png);
        }
        byte[] table = [.. Encoding.UTF8.GetBytes("{\"file_name\": \".\\\\c.png\", \"caption\": \"of c\", \"score\": NaN}\n// note\n{\"file_name\": \"d.png\", \"caption\": \""), 0xE9, .. Encoding.UTF8.GetBytes("\"}\n")];
        File.WriteAllBytes(_folder.File("sub/metadata.jsonl"), table);
        File.WriteAllText(_folder.File("a.txt"), "of a");
        File.WriteAllText(_folder.File("b.jfif.txt"), "of b");
        File.WriteAllText(_folder.File("e.text"), "of e");
        foreach (string name in (string[])["scan.TIFF", "old.tar", "captions.csv"])
        {
            File.WriteAllText(_folder.File(name), "not read");
        }
        (List<string> captions, IReadOnlyList<UnreadablePicture> unread) = Both(DataSource.Folder);
        Assert.Equal(["of a", "of b", "of c", "of e"], captions);
        Assert.Equal(["captions.csv", "lone.png", "old.tar", "scan.TIFF", "sub/d.png", "sub/metadata.jsonl:2", "sub/metadata.jsonl:3"], unread.Select(u => u.File));
    }

    [Fact]
    public void A_shard_that_was_joined_of_two_is_read_to_its_end()
    {
        Shard("a.tar", ("0.png", Png), ("0.txt", Bytes("first")));
        Shard("b.tar", ("1.png", Png), ("1.txt", Bytes("second")));
        File.WriteAllBytes(_folder.File("c.tar"), [.. File.ReadAllBytes(_folder.File("a.tar")), .. new byte[512 * 20], .. File.ReadAllBytes(_folder.File("b.tar")), .. new byte[100]]);
        File.Delete(_folder.File("a.tar"));
        File.Delete(_folder.File("b.tar"));
        (List<string> captions, IReadOnlyList<UnreadablePicture> unread) = Both(DataSource.Webdataset);
        Assert.Equal(["first", "second"], captions);
        Assert.Empty(unread);
        DataConfig config = new() { Source = DataSource.Webdataset, Path = _folder.Path, ImageSize = 8, HeldOut = new HeldOutConfig { Share = 0 } };
        using IImageSource source = ImageSources.Open(config, DataSplit.Train, 0);
        using CaptionedImage one = source.Load(0), two = source.Load(1); // at their offsets in the joined file
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n", "is a Git LFS pointer to 12 bytes")]
    [InlineData("<html><title>Denied</title></html>", "is an HTML page")]
    [InlineData("\u001f\u008b|latin1", "is compressed (gzip)")]
    [InlineData("BZh91AY&SY\0|latin1", "is compressed (bzip2)")]
    [InlineData("zeros", "the shard holds no pictures")]
    public void A_shard_that_is_none_is_named(string content, string reason)
    {
        Shard("good.tar", ("0.png", Png), ("0.txt", Bytes("good")));
        File.WriteAllBytes(_folder.File("bad.tar"), content == "zeros" ? new byte[10240] : Bytes(content));
        (List<string> captions, IReadOnlyList<UnreadablePicture> unread) = Both(DataSource.Webdataset);
        Assert.Equal(["good"], captions);
        UnreadablePicture named = Assert.Single(unread);
        Assert.Equal("bad.tar", named.File);
        Assert.Contains(reason, named.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Tables_and_archives_that_are_not_read_are_named_and_a_pipe_is_not_waited_for()
    {
        File.WriteAllBytes(_folder.File("a.png"), Png);
        File.WriteAllText(_folder.File("Metadata.JSONL"), """{"file_name": "a.png", "caption": "of a"}""");
        foreach (string name in (string[])["train.jsonl", "more.zip", "part.parquet"])
        {
            File.WriteAllText(_folder.File(name), "not read");
        }
        Directory.CreateDirectory(_folder.File("sub"));
        File.WriteAllText(_folder.File("sub/captions.jsonl"), "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n");
        if (!OperatingSystem.IsWindows())
        {
            foreach (string name in (string[])["pipe.png", "pipe.txt", "pipe.tar"])
            {
                using System.Diagnostics.Process make = System.Diagnostics.Process.Start("mkfifo", _folder.File(name));
                make.WaitForExit();
            }
        }
        (List<string> captions, IReadOnlyList<UnreadablePicture> unread) = Both(DataSource.Folder);
        Assert.Equal(["of a"], captions);
        Assert.Equal(["more.zip", "part.parquet", "sub/captions.jsonl", "train.jsonl"], unread.Select(u => u.File).Where(f => !f.StartsWith("pipe", StringComparison.Ordinal)));
        Assert.Contains("Git LFS pointer", unread.Single(u => u.File == "sub/captions.jsonl").Reason, StringComparison.Ordinal);
        Assert.NotEmpty(ImageSources.Identity(new DataConfig { Source = DataSource.Folder, Path = _folder.Path }).Hash);
        if (!OperatingSystem.IsWindows())
        {
            Shard("good.tar", ("0.png", Png), ("0.txt", Bytes("good")));
            Assert.Equal("is empty; download or copy it again", Both(DataSource.Webdataset).Unread.Single(u => u.File == "pipe.tar").Reason);
        }
    }

    [Fact]
    public void Empty_captions_are_kept_on_request_and_said()
    {
        Shard("s.tar", ("0.png", Png), ("0.txt", Bytes(" ")), ("1.png", Png), ("2.png", Png), ("2.json", Bytes("""{"caption": 3}""")));
        DataConfig config = new() { Source = DataSource.Webdataset, Path = _folder.Path, ImageSize = 8, EmptyCaptions = true, HeldOut = new HeldOutConfig { Share = 0 } };
        using IImageSource source = ImageSources.Open(config, DataSplit.Train, 0);
        Assert.Equal(["", ""], Enumerable.Range(0, source.Count).Select(source.Caption));
        Assert.Equal("s.tar/2.png", Assert.Single(source.Unreadable).File);
        Assert.Contains("2 of 2 pictures keep an empty caption", Assert.Single(source.Notes), StringComparison.Ordinal);
    }

    private static byte[] Bytes(string text) => text.Split('|') switch
    {
        [var latin, "latin1"] => Encoding.Latin1.GetBytes(latin),
        [var wide, "utf16"] => Encoding.Unicode.GetBytes(wide),
        _ => Encoding.UTF8.GetBytes(text),
    };

    private (List<string> Captions, IReadOnlyList<UnreadablePicture> Unread) Both(DataSource kind)
    {
        DataConfig config = new() { Source = kind, Path = _folder.Path, ImageSize = 8, Images = 0 };
        using IImageSource train = ImageSources.Open(config, DataSplit.Train, 0), heldOut = ImageSources.Open(config, DataSplit.HeldOut, 0);
        Assert.Equal(train.Unreadable, heldOut.Unreadable);
        return ([.. new[] { train, heldOut }.SelectMany(s => Enumerable.Range(0, s.Count).Select(s.Caption)).Order(StringComparer.Ordinal)], train.Unreadable);
    }

    private void Shard(string name, params (string Name, byte[] Content)[] entries)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(name))!);
        using FileStream stream = File.Create(_folder.File(name));
        using TarWriter writer = new(stream);
        foreach ((string entry, byte[] content) in entries)
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, entry) { DataStream = new MemoryStream(content) });
        }
    }
}
