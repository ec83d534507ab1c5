using System.Formats.Tar;
using System.Text;
using System.Text.Json;
using TorchSharp;

namespace NextStep.Research;

/// <summary>
/// A folder of <c>.tar</c> shards in the layout of the webdataset project: the files of one sample share their name up to the
/// first dot, for instance <c>0001.jpg</c> and <c>0001.txt</c>, or <c>0001.json</c> with the caption field.
/// Shards are indexed once; a picture is then read at its offset. Same split and same rules as <see cref="FolderSource"/>.
/// </summary>
public sealed class WebdatasetSource : IImageSource
{
    private const int MaximumTextBytes = 1 << 20;

    private readonly string _folder;
    private readonly Split _split;
    private readonly int _size;
    private readonly Sample[] _samples;

    /// <summary>Opens one split of <c>data.path</c>.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">The folder holds no shards.</exception>
    public WebdatasetSource(DataConfig config, Split split)
    {
        ArgumentNullException.ThrowIfNull(config);
        (_folder, _split, _size) = (ImageSources.FolderOf(config), split, config.ImageSize);
        string[] shards = [.. Directory.GetFiles(_folder, "*.tar").Order(StringComparer.Ordinal)];
        if (shards.Length == 0)
        {
            throw new InvalidDataException($"The data folder '{config.Path}' holds no .tar shards.");
        }
        List<UnreadablePicture> unreadable = [];
        IEnumerable<Sample> chosen = shards.SelectMany(s => Index(s, config.CaptionField, unreadable)).ToArray()
            .Where(s => ImageSources.IsHeldOut(s.Caption) == (split == Split.HeldOut));
        List<Sample> usable = [];
        foreach (Sample sample in split == Split.Train && config.Images > 0 ? chosen.Take(config.Images) : chosen)
        {
            try
            {
                using torch.Tensor decoded = ImageFile.Decode(Read(sample), sample.Id);
                usable.Add(sample);
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                unreadable.Add(new UnreadablePicture(sample.Id, e.Message));
            }
        }
        _samples = [.. usable];
        Unreadable = unreadable;
    }

    /// <inheritdoc/>
    public string Name => $"webdataset {Path.GetFileName(_folder)} {_size} px, {(_split == Split.Train ? "train" : "held out")}";

    /// <inheritdoc/>
    public int Count => _samples.Length;

    /// <inheritdoc/>
    public IReadOnlyList<UnreadablePicture> Unreadable { get; }

    /// <inheritdoc/>
    public string Caption(int index) => _samples[index].Caption;

    /// <inheritdoc/>
    public string Id(int index) => _samples[index].Id;

    /// <inheritdoc/>
    public CaptionedImage Load(int index)
    {
        Sample sample = _samples[index];
        using torch.Tensor whole = ImageFile.Decode(Read(sample), sample.Id);
        return new CaptionedImage(Resize.SquareResize(whole, _size), sample.Caption, sample.Id);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Shards are opened and closed per picture.
    }

    private static byte[] Read(Sample sample)
    {
        using FileStream stream = File.OpenRead(sample.Shard);
        stream.Position = sample.Offset;
        byte[] bytes = new byte[sample.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static List<Sample> Index(string shard, string captionField, List<UnreadablePicture> unreadable)
    {
        Dictionary<string, (string Name, long Offset, long Length)> pictures = new(StringComparer.Ordinal);
        Dictionary<string, string> captions = new(StringComparer.Ordinal);
        string shardName = Path.GetFileName(shard);
        try
        {
            using FileStream stream = File.OpenRead(shard);
            using TarReader reader = new(stream);
            while (reader.GetNextEntry() is { } entry)
            {
                if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) || entry.DataStream is null)
                {
                    continue;
                }
                string key = KeyOf(entry.Name);
                if (ImageFile.HasImageExtension(entry.Name))
                {
                    pictures[key] = entry.Length <= ImageFile.MaximumBytes
                        ? (entry.Name, entry.DataOffset, entry.Length)
                        : throw new InvalidDataException($"{entry.Name} is larger than {ImageFile.MaximumBytes >> 20} MB");
                }
                else if (Path.GetExtension(entry.Name) is ".txt" or ".json" && entry.Length <= MaximumTextBytes)
                {
                    using StreamReader text = new(entry.DataStream, Encoding.UTF8);
                    string content = text.ReadToEnd();
                    captions[key] = entry.Name.EndsWith(".txt", StringComparison.Ordinal) ? content.Trim() : FromJson(content, captionField) ?? "";
                }
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException or FormatException or JsonException)
        {
            unreadable.Add(new UnreadablePicture(shardName, $"the shard is damaged after {pictures.Count} pictures: {e.Message}"));
        }
        List<Sample> samples = [];
        foreach ((string key, (string name, long offset, long length)) in pictures.OrderBy(p => p.Value.Offset))
        {
            if (captions.TryGetValue(key, out string? caption))
            {
                samples.Add(new Sample(shard, $"{shardName}/{name}", offset, length, caption));
            }
            else
            {
                unreadable.Add(new UnreadablePicture($"{shardName}/{name}", "there is no caption of the same name"));
            }
        }
        return samples;
    }

    private static string KeyOf(string name)
    {
        int slash = name.LastIndexOf('/') + 1;
        int dot = name.IndexOf('.', slash);
        return dot < 0 ? name : name[..dot];
    }

    private static string? FromJson(string text, string field)
    {
        using JsonDocument json = JsonDocument.Parse(text);
        return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(field, out JsonElement value) ? value.GetString() : null;
    }

    private sealed record Sample(string Shard, string Id, long Offset, long Length, string Caption);
}
