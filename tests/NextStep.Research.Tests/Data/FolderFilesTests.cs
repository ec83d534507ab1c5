namespace NextStep.Research.Tests;

public sealed class FolderFilesTests
{
    private static readonly DateTime Old = new(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc);

    [Fact]
    public void Every_file_is_listed_once_through_links_and_circles_and_hidden_ones_never()
    {
        using TemporaryFolder data = new(), elsewhere = new();
        Write(data, "b/2.png", "2");
        Write(data, "1.png", "1");
        foreach (string hidden in (string[])[".x/h.png", "._1.png", ".ipynb_checkpoints/1-checkpoint.png", "__MACOSX/1.png", "b/@eaDir/2.png", "$RECYCLE.BIN/3.png"])
        {
            Write(data, hidden, "hidden");
        }
        Write(elsewhere, "cache/af01", "blob");
        Write(elsewhere, "train/3.png", "3");
        File.CreateSymbolicLink(data.File("blob.png"), elsewhere.File("cache/af01"));
        File.CreateSymbolicLink(data.File("again.png"), elsewhere.File("cache/af01"));
        File.CreateSymbolicLink(data.File("lost.png"), elsewhere.File("cache/none"));
        Directory.CreateSymbolicLink(data.File("0train"), elsewhere.File("train"));
        Directory.CreateSymbolicLink(elsewhere.File("train/up"), elsewhere.Path);
        Directory.CreateSymbolicLink(data.File("b/parent"), data.Path);
        Directory.CreateSymbolicLink(data.File("a-b"), data.File("b"));
        File.CreateSymbolicLink(data.File("circle"), data.File("circle"));
        FolderFiles found = FolderFiles.Of(data.Path);
        Assert.Equal(["0train/3.png", "1.png", "again.png", "b/2.png"], found.Files.Select(f => f.Name));
        Assert.Equal(DataPath.Real(elsewhere.File("cache/af01")), found.Files[2].Path);
        Assert.Equal(["0train/up/cache/af01", "0train/up/train", "a-b", "b/parent", "blob.png", "circle", "lost.png"], found.Unread.Select(u => u.File));
        Directory.CreateSymbolicLink(elsewhere.File("root"), data.Path);
        Assert.Equal(found.Files.Select(f => f.Path), FolderFiles.Of(elsewhere.File("root/")).Files.Select(f => f.Path));
    }

    [Fact]
    public void A_path_may_begin_at_home_and_end_with_a_separator()
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        Assert.Equal(Path.TrimEndingDirectorySeparator(home), DataPath.Absolute("~"));
        Assert.Equal(Path.Combine(home, "a"), DataPath.Absolute("~/a/"));
        Assert.Equal(Path.Combine(Environment.CurrentDirectory, "~b"), DataPath.Absolute("~b"));
        Assert.Equal(Path.Combine(Environment.CurrentDirectory, "x", "y"), DataPath.Absolute("x/./z/../y/"));
    }

    [Fact]
    public void The_identity_follows_names_and_bytes_not_the_place()
    {
        using TemporaryFolder data = new(), moved = new();
        foreach (TemporaryFolder folder in (TemporaryFolder[])[data, moved])
        {
            Write(folder, "a.png", "picture");
            Write(folder, "a.txt", "caption");
            Write(folder, "notes.md", folder.Path);
        }
        DataConfig config = new() { Source = DataSource.Folder, Path = data.Path };
        SourceIdentity before = ImageSources.Identity(config);
        Assert.Equal(["a.png", "a.txt"], before.Files.Select(f => f.Name));
        Assert.Equal(before.Hash, ImageSources.Identity(config with { Path = moved.Path + "/" }).Hash);
        Write(data, "a.txt", "caption.");
        Assert.NotEqual(before.Hash, ImageSources.Identity(config).Hash);
        Write(data, "a.txt", "Caption");
        File.SetLastWriteTimeUtc(data.File("a.txt"), Old.AddSeconds(1));
        Assert.NotEqual(before.Hash, ImageSources.Identity(config).Hash);
        Write(data, "a.txt", "caption");
        Assert.Equal(before.Hash, ImageSources.Identity(config).Hash);
        Assert.Equal("shapes", ImageSources.Identity(new DataConfig()).Hash);
    }

    [Fact]
    public void Known_files_are_not_looked_at_again_and_fresh_ones_are()
    {
        using TemporaryFolder data = new();
        Write(data, "a.txt", "old");
        Write(data, "b.txt", "fresh");
        File.SetLastWriteTimeUtc(data.File("b.txt"), DateTime.UtcNow);
        int Looked()
        {
            FileIndex index = FileIndex.Of(data.Path);
            _ = index.Facts(FolderFiles.Of(data.Path).Files, SourceFiles.Look);
            index.Save();
            return index.Looked;
        }
        Assert.Equal([2, 1], [Looked(), Looked()]);
        string file = Assert.Single(Directory.GetFiles(Path.Combine(FileIndex.Cache, "files")), f => File.GetLastWriteTimeUtc(f) > DateTime.UtcNow.AddMinutes(-5) && File.ReadAllText(f).Contains(data.Path, StringComparison.Ordinal));
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..40]);
        Assert.Equal(2, Looked());
    }

    [Fact]
    public void A_folder_that_is_opened_again_opens_none_of_its_captions_and_reads_a_changed_one()
    {
        using TemporaryFolder data = new();
        File.WriteAllBytes(data.File("a.png"), ImageFile.EncodePng(TorchSharp.torch.zeros(3, 8, 8)));
        File.SetLastWriteTimeUtc(data.File("a.png"), Old);
        Write(data, "a.txt", "first");
        string[] Captions()
        {
            DataConfig config = new() { Source = DataSource.Folder, Path = data.Path, ImageSize = 8 };
            using IImageSource train = ImageSources.Open(config, DataSplit.Train, 0), held = ImageSources.Open(config, DataSplit.HeldOut, 0);
            return [.. Enumerable.Range(0, train.Count).Select(train.Caption), .. Enumerable.Range(0, held.Count).Select(held.Caption), .. train.Unreadable.Select(u => u.Reason)];
        }
        Assert.Equal(["first"], Captions());
        Write(data, "a.txt", "FIRST"); // same length and time: taken for the same file, as its hash is
        Assert.Equal(["first"], Captions());
        File.SetLastWriteTimeUtc(data.File("a.txt"), Old.AddSeconds(1));
        Assert.Equal(["FIRST"], Captions());
        Write(data, "a.txt", new string('x', 5000)); // too long to be kept
        Assert.Equal([new string('x', 5000)], Captions());
        Write(data, "a.txt", new string('y', 5000));
        Assert.Equal([new string('y', 5000)], Captions());
    }

    /// <summary>Another folder's index in between makes this one be read from the disk, as by another process.</summary>
    [Fact]
    public void Captions_that_an_index_on_disk_keeps_are_those_that_were_read()
    {
        using TemporaryFolder data = new(), other = new();
        string[] captions = ["plain", "  kept inside,  trimmed  ", "ünïcödé 猫 \ud83d\udc08", "first line\nsecond line\r\n", "\ufeffbehind a mark", "\"quoted\"\ttab", "", new('x', 5000)];
        for (int i = 0; i < captions.Length; i++)
        {
            File.WriteAllBytes(data.File($"{i}.png"), ImageFile.EncodePng(TorchSharp.torch.zeros(3, 8, 8)));
            File.SetLastWriteTimeUtc(data.File($"{i}.png"), Old);
            Write(data, $"{i}.txt", captions[i]);
        }
        string[] first = Captions(), again = Captions();
        Assert.Equal(captions.Length - 1, first.Count(c => !c.StartsWith('!')));
        _ = FileIndex.Of(other.Path);
        string[] fromDisk = Captions();
        Assert.Equal(first, again);
        Assert.Equal(first, fromDisk);
        FileIndex index = FileIndex.Of(data.Path);
        FileFacts[] facts = index.Facts(FolderFiles.Of(data.Path).Files, f => new FileFacts("looked at", 0, 0, f.Name));
        Assert.All(facts, f => Assert.True(f.Sha256 != "looked at" || f.Problem == "6.png", f.Problem)); // a picture without a caption was none of the set
        Assert.Equal(captions[2], System.Text.Encoding.UTF8.GetString(Assert.Single(facts, f => f.Content?.Length == System.Text.Encoding.UTF8.GetByteCount(captions[2])).Content!));

        string[] Captions()
        {
            DataConfig config = new() { Source = DataSource.Folder, Path = data.Path, ImageSize = 8 };
            using IImageSource train = ImageSources.Open(config, DataSplit.Train, 0), held = ImageSources.Open(config, DataSplit.HeldOut, 0);
            return [.. Enumerable.Range(0, train.Count).Select(train.Caption), .. Enumerable.Range(0, held.Count).Select(held.Caption), .. train.Unreadable.Select(u => $"!{u.File}: {u.Reason}")];
        }
    }

    private static void Write(TemporaryFolder folder, string name, string content)
    {
        string file = folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, content);
        File.SetLastWriteTimeUtc(file, Old);
    }
}
