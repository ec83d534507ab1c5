using TorchSharp;

namespace NextStep.Research;

/// <summary>A captioned picture in a file, or in a part of one.</summary>
internal sealed record FileSample(string Id, string Caption, FolderFile File, long Offset, long Length);

/// <summary>What a reader found below a folder.</summary>
internal sealed record FileSamples(List<FileSample> Samples, List<UnreadablePicture> Unread)
{
    /// <summary>Adds a sample, or reports why not, with the place where its caption stands.</summary>
    public void Add(string id, CaptionText caption, FolderFile file, long offset, long length, DataConfig config, string place = "")
    {
        if (caption.Text is { } text)
        {
            Samples.Add(new FileSample(id, text, file, offset, length));
        }
        else if (caption.Empty && config.EmptyCaptions)
        {
            Samples.Add(new FileSample(id, "", file, offset, length));
        }
        else
        {
            Unread.Add(new UnreadablePicture(id + place, caption.Problem!));
        }
    }
}

/// <summary>
/// Captioned pictures in a user's files. Opening lists the folder and looks at every picture once (a changed one again); a picture is decoded
/// when it is asked for. Centre crop, then antialiased resizing.
/// </summary>
internal abstract class FileSource : IImageSource
{
    private readonly string _kind;
    private readonly FileSample[] _samples;

    private protected FileSource(DataConfig config, DataSplit split, string kind, Func<FolderFiles, FileIndex, FileSamples> read)
    {
        string folder = ImageSources.FolderOf(config);
        (_kind, Folder, Split, Size) = (kind, folder, split, config.ImageSize);
        FolderFiles files = FolderFiles.Of(folder);
        FileIndex index = FileIndex.Of(folder);
        FileSamples found = read(files, index);
        List<UnreadablePicture> unread = [.. files.Unread, .. found.Unread];
        FileFacts[] facts = index.Facts(found.Samples, Key, s => s.File, Look);
        index.Save();
        unread.AddRange(found.Samples.Zip(facts).Where(p => p.Second.Problem is not null).Select(p => new UnreadablePicture(p.First.Id, p.Second.Problem!)));
        FileSample[] usable = [.. found.Samples.Where((_, i) => facts[i].Problem is null)];
        SplitChoice choice = SplitChoice.Of([.. usable.Select(s => new SplitItem(s.Id, s.Caption))], config, split);
        _samples = [.. choice.Chosen.Select(i => usable[i])];
        int empty = _samples.Count(s => s.Caption.Length == 0);
        Notes = [.. choice.Notes, .. empty > 0 ? [$"{empty} of {_samples.Length} pictures keep an empty caption (data.emptyCaptions)"] : Array.Empty<string>()];
        Unreadable = [.. unread.OrderBy(u => u.File, StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public string Name => $"{_kind} {Path.GetFileName(Folder)} {Size} px, {(Split == DataSplit.Train ? "train" : "held out")}";

    /// <inheritdoc/>
    public int Count => _samples.Length;

    /// <inheritdoc/>
    public IReadOnlyList<UnreadablePicture> Unreadable { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes { get; }

    private string Folder { get; }

    private DataSplit Split { get; }

    private int Size { get; }

    /// <inheritdoc/>
    public string Caption(int index) => _samples[index].Caption;

    /// <inheritdoc/>
    public string Id(int index) => _samples[index].Id;

    /// <inheritdoc/>
    public CaptionedImage Load(int index)
    {
        FileSample sample = _samples[index];
        torch.Tensor pixels = IsWhole(sample) ? ImageFile.LoadSquare(sample.File.Path, Size) : ImageFile.DecodeSquare(Read(sample), sample.Id, Size);
        return new CaptionedImage(pixels, sample.Caption, sample.Id);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Files are opened and closed per picture.
        GC.SuppressFinalize(this);
    }

    private static bool IsWhole(FileSample sample) => sample.Offset == 0 && sample.Length == sample.File.Bytes;

    private static string Key(FileSample sample) => IsWhole(sample) ? sample.File.Path : FormattableString.Invariant($"{sample.File.Path}\0{sample.Offset}");

    private static FileFacts Look(FileSample sample) => IsWhole(sample) ? SourceFiles.Look(sample.File)
        : sample.Length > ImageFile.MaximumBytes ? new FileFacts("", 0, 0, $"is larger than {ImageFile.MaximumBytes >> 20} MB")
        : PictureProbe.Of(Read(sample), "");

    private static byte[] Read(FileSample sample)
    {
        byte[] bytes = new byte[sample.Length];
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(sample.File.Path);
        int read = 0;
        while (read < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(read), sample.Offset + read) is > 0 and int more)
        {
            read += more;
        }
        return bytes[..read];
    }
}
