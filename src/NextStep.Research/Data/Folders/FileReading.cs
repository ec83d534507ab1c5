namespace NextStep.Research;

/// <summary>
/// What a source of files found below <c>data.path</c>, for both sides of the split: the folder is listed and every picture looked at once (a
/// changed one again).
/// </summary>
internal sealed class FileReading
{
    private readonly Lazy<SplitChoices> _choices;

    private FileReading(DataConfig config, string kind, Func<FolderFiles, FileIndex, FileSamples> read)
    {
        (Config, Kind, Folder) = (config, kind, ImageSources.FolderOf(config));
        FolderFiles files = FolderFiles.Of(Folder);
        FileIndex index = FileIndex.Of(Folder);
        FileSamples found = read(files, index);
        List<UnreadablePicture> unread = [.. files.Unread, .. found.Unread];
        FileFacts[] facts = index.Facts(found.Samples, Key, s => s.File, Look);
        index.Save();
        unread.AddRange(found.Samples.Zip(facts).Where(p => p.Second.Problem is not null).Select(p => new UnreadablePicture(p.First.Id, p.Second.Problem!)));
        Usable = [.. found.Samples.Where((_, i) => facts[i].Problem is null)];
        Unread = [.. unread.OrderBy(u => u.File, StringComparer.Ordinal)];
        _choices = new Lazy<SplitChoices>(() => SplitChoices.Of([.. Usable.Select(s => new SplitItem(s.Id, s.Caption))], config));
    }

    public DataConfig Config { get; }

    /// <summary>The source's name in files.</summary>
    public string Kind { get; }

    public string Folder { get; }

    /// <summary>Pictures with their captions, of both sides.</summary>
    public FileSample[] Usable { get; }

    /// <summary>What cannot be used and why, by name.</summary>
    public IReadOnlyList<UnreadablePicture> Unread { get; }

    /// <summary>
    /// Any folder of pictures, at any depth, with a table of captions (<c>captions.jsonl</c> or <c>metadata.jsonl</c>) or with a caption file beside
    /// each picture. A table rules the folder it lies in and all below. What cannot be used is reported by name and reason. Links are followed,
    /// each file is used once, hidden files never.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">The folder holds no pictures at all.</exception>
    public static FileReading OfFolder(DataConfig config) => new(config, "folder", (files, index) => new FolderReader(config, files, index).Read());

    /// <summary>
    /// A folder of <c>.tar</c> shards, at any depth, in the layout of the webdataset project: the files of one sample share their name up to the
    /// first dot, and what follows is the field: <c>0001.jpg</c> is the picture of <c>0001</c>, <c>0001.txt</c> its caption, or <c>0001.json</c> with
    /// the caption field, while <c>0001.seg.png</c> and <c>0001.url.txt</c> are other fields. Shards are indexed once; a picture is then read at its
    /// offset. Same split and same rules as <see cref="OfFolder"/>.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">The folder holds no shards that can be read.</exception>
    public static FileReading OfShards(DataConfig config) => new(config, "webdataset", (files, _) => new ShardReader(config, files).Read());

    /// <summary>Which of <see cref="Usable"/> belong to a side.</summary>
    public SplitChoice Choose(DataSplit split) => _choices.Value.For(split);

    private static string Key(FileSample sample) => sample.IsWhole ? sample.File.Path : FormattableString.Invariant($"{sample.File.Path}\0{sample.Offset}");

    private static FileFacts Look(FileSample sample) => sample.IsWhole ? SourceFiles.Look(sample.File)
        : sample.Length > ImageFile.MaximumBytes ? new FileFacts("", 0, 0, $"is larger than {ImageFile.MaximumBytes >> 20} MB")
        : PictureProbe.Of(sample.Read(), "");
}
