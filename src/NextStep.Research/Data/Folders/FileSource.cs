using TorchSharp;

namespace NextStep.Research;

/// <summary>A captioned picture in a file, or in a part of one.</summary>
internal sealed record FileSample(string Id, string Caption, FolderFile File, long Offset, long Length)
{
    /// <summary>Whether it is all of the file.</summary>
    public bool IsWhole => Offset == 0 && Length == File.Bytes;

    /// <summary>The picture's bytes; fewer where the file has become shorter.</summary>
    public byte[] Read()
    {
        byte[] bytes = new byte[Length];
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = System.IO.File.OpenHandle(File.Path);
        int read = 0;
        while (read < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(read), Offset + read) is > 0 and int more)
        {
            read += more;
        }
        return bytes[..read];
    }
}

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
/// Captioned pictures in a user's files: one split of a <see cref="FileReading"/>. A picture is decoded when it is asked for. Centre crop, then
/// antialiased resizing.
/// </summary>
internal sealed class FileSource : IImageSource
{
    private readonly string _kind;
    private readonly FileSample[] _samples;

    public FileSource(FileReading reading, DataSplit split)
    {
        (_kind, Folder, Split, Size) = (reading.Kind, reading.Folder, split, reading.Config.ImageSize);
        SplitChoice choice = reading.Choose(split);
        _samples = [.. choice.Chosen.Select(i => reading.Usable[i])];
        int empty = _samples.Count(s => s.Caption.Length == 0);
        Notes = [.. choice.Notes, .. empty > 0 ? [$"{empty} of {_samples.Length} pictures keep an empty caption (data.emptyCaptions)"] : Array.Empty<string>()];
        Unreadable = reading.Unread;
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
        torch.Tensor pixels = sample.IsWhole ? ImageFile.LoadSquare(sample.File.Path, Size) : ImageFile.DecodeSquare(sample.Read(), sample.Id, Size);
        return new CaptionedImage(pixels, sample.Caption, sample.Id);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Files are opened and closed per picture.
    }
}
