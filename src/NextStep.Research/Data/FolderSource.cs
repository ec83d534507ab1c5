using TorchSharp;

namespace NextStep.Research;

/// <summary>
/// Any folder of pictures: with <c>captions.jsonl</c> (<c>image</c>, <c>caption</c>), or with a <c>.txt</c> file beside each picture,
/// at any depth. Every picture is decoded once when the source is opened; what cannot be used is reported by name.
/// Pictures with the same caption are on the same side of the split. Centre crop, then antialiased resizing.
/// </summary>
public sealed class FolderSource : IImageSource
{
    private readonly string _folder;
    private readonly Split _split;
    private readonly int _size;
    private readonly CaptionLine[] _lines;

    /// <summary>Opens one split of <c>data.path</c>.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">The folder holds no captions at all.</exception>
    public FolderSource(DataConfig config, Split split)
    {
        ArgumentNullException.ThrowIfNull(config);
        (_folder, _split, _size) = (ImageSources.FolderOf(config), split, config.ImageSize);
        List<UnreadablePicture> unreadable = [];
        string table = Path.Combine(_folder, CaptionFile.Name);
        List<CaptionLine> lines = File.Exists(table) ? CaptionFile.Read(table, config.CaptionField, unreadable) : SideFiles(unreadable);
        if (lines.Count == 0 && unreadable.Count == 0)
        {
            throw new InvalidDataException($"The data folder '{config.Path}' holds neither {CaptionFile.Name} nor pictures with .txt files beside them.");
        }
        IEnumerable<CaptionLine> chosen = lines.Where(l => ImageSources.IsHeldOut(l.Caption) == (split == Split.HeldOut));
        _lines = Usable([.. split == Split.Train && config.Images > 0 ? chosen.Take(config.Images) : chosen], unreadable);
        Unreadable = [.. unreadable.OrderBy(u => u.File, StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public string Name => $"folder {Path.GetFileName(_folder)} {_size} px, {(_split == Split.Train ? "train" : "held out")}";

    /// <inheritdoc/>
    public int Count => _lines.Length;

    /// <inheritdoc/>
    public IReadOnlyList<UnreadablePicture> Unreadable { get; }

    /// <inheritdoc/>
    public string Caption(int index) => _lines[index].Caption;

    /// <inheritdoc/>
    public string Id(int index) => _lines[index].Image;

    /// <inheritdoc/>
    public CaptionedImage Load(int index)
    {
        CaptionLine line = _lines[index];
        using torch.Tensor whole = ImageFile.Load(Inside(line.Image));
        return new CaptionedImage(Resize.SquareResize(whole, _size), line.Caption, line.Image);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Files are opened and closed per picture.
    }

    /// <summary>The full path; a name that leads out of the folder, by dots or by a link, is refused.</summary>
    private string Inside(string name)
    {
        string full = Path.GetFullPath(Path.Combine(_folder, name));
        string? target = File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName;
        return StartsInside(full) && (target is null || StartsInside(target))
            ? full
            : throw new InvalidDataException($"'{name}' lies outside the data folder");
    }

    private bool StartsInside(string path) => path.StartsWith(_folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private List<CaptionLine> SideFiles(List<UnreadablePicture> unreadable)
    {
        List<CaptionLine> lines = [];
        EnumerationOptions all = new() { RecurseSubdirectories = true, IgnoreInaccessible = false };
        foreach (string file in Directory.EnumerateFiles(_folder, "*", all).Where(ImageFile.HasImageExtension).Order(StringComparer.Ordinal))
        {
            string name = Path.GetRelativePath(_folder, file).Replace('\\', '/');
            string side = Path.ChangeExtension(file, ".txt");
            try
            {
                if (!File.Exists(side))
                {
                    throw new InvalidDataException("there is no caption file beside it");
                }
                lines.Add(new CaptionLine(name, CaptionFile.ReadSide(side)));
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                unreadable.Add(new UnreadablePicture(name, e.Message));
            }
        }
        return lines;
    }

    private CaptionLine[] Usable(CaptionLine[] lines, List<UnreadablePicture> unreadable)
    {
        string?[] problems = new string?[lines.Length];
        Parallel.For(0, lines.Length, i =>
        {
            try
            {
                using torch.Tensor decoded = ImageFile.Load(Inside(lines[i].Image));
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException or ArgumentException)
            {
                problems[i] = e.Message;
            }
        });
        unreadable.AddRange(lines.Zip(problems).Where(p => p.Second is not null).Select(p => new UnreadablePicture(p.First.Image, p.Second!)));
        return [.. lines.Where((_, i) => problems[i] is null)];
    }
}
