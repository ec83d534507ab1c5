using System.Globalization;
using System.Reflection;
using TorchSharp;

namespace NextStep.Research;

/// <summary>
/// The real set inside the library: 3786 Noto emoji of 32 px (Apache-2.0) with the labels of emojibase (MIT).
/// A tenth of the base emoji is held out, with all their skin tones; pictures of other sizes are resampled.
/// </summary>
internal sealed class EmojiSource : IImageSource
{
    private const int CellStride = 34;
    private const int CellMargin = 1;
    private const int CellSize = 32;

    private static readonly Lazy<Entry[]> AllEntries = new(ReadEntries);
    private static readonly Lazy<torch.Tensor> Sheet = new(ReadSheet);

    private readonly Entry[] _entries;
    private readonly DataSplit _split;
    private readonly int _size;

    /// <summary>Opens one split. <c>data.groups</c> selects groups; <c>data.images</c> caps the training pictures (0 = all).</summary>
    /// <exception cref="ArgumentException">An unknown group.</exception>
    public EmojiSource(DataConfig config, DataSplit split)
    {
        ArgumentNullException.ThrowIfNull(config);
        (_split, _size) = (split, config.ImageSize);
        string? unknown = config.Groups.FirstOrDefault(g => !Groups.Contains(g));
        if (unknown is not null)
        {
            throw new ArgumentException($"'{unknown}' is no emoji group; there are {string.Join(", ", Groups)}.", nameof(config));
        }
        Entry[] all = [.. AllEntries.Value.Where(e => config.Groups.Count == 0 || config.Groups.Contains(e.Group))];
        SplitChoice choice = SplitChoices.Of([.. all.Select(e => new SplitItem("emoji-" + e.Code, e.Base))], config).For(split);
        (_entries, Notes) = ([.. choice.Chosen.Select(i => all[i])], choice.Notes);
    }

    /// <summary>The groups of the Unicode order, as <c>data.groups</c> names them.</summary>
    public static IReadOnlyList<string> Groups { get; } = [.. AllEntries.Value.Select(e => e.Group).Distinct()];

    /// <inheritdoc/>
    public string Name => $"emoji {_size} px, {(_split == DataSplit.Train ? "train" : "held out")}";

    /// <inheritdoc/>
    public int Count => _entries.Length;

    /// <inheritdoc/>
    public IReadOnlyList<UnreadablePicture> Unreadable => [];

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes { get; }

    /// <inheritdoc/>
    public string Caption(int index) => _entries[index].Label;

    /// <inheritdoc/>
    public string Id(int index) => "emoji-" + _entries[index].Code;

    /// <summary>The search words of a picture, for instance <c>boat, canoe, lake</c>.</summary>
    public IReadOnlyList<string> Tags(int index) => _entries[index].Tags;

    /// <summary>The emoji without skin tones to which a picture belongs, as hexadecimal code points.</summary>
    public string BaseOf(int index) => _entries[index].Base;

    /// <inheritdoc/>
    public CaptionedImage Load(int index)
    {
        Entry entry = _entries[index];
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor rows = Sheet.Value.narrow(1, (entry.Row * CellStride) + CellMargin, CellSize);
        torch.Tensor whole = rows.narrow(2, (entry.Column * CellStride) + CellMargin, CellSize).to(torch.float32).OverInPlace(127.5f).MinusInPlace(1f);
        return new CaptionedImage(Resize.To(whole, _size, _size).MoveToOuterDisposeScope(), entry.Label, Id(index));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The sheet is shared by all sources and lives as long as the process.
    }

    private static Stream Resource(string name) =>
        Assembly.GetExecutingAssembly().GetManifestResourceStream("NextStep.Research.Data.Emoji." + name)
        ?? throw new InvalidOperationException($"The resource {name} is missing from the library.");

    private static Entry[] ReadEntries()
    {
        using StreamReader reader = new(Resource("captions.tsv"));
        List<Entry> entries = [];
        Dictionary<string, string[]> tags = new(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            string[] f = line.Split('\t');
            // Only the base carries the tags; it comes before its skin tones.
            _ = tags.TryAdd(f[1], f[6].Split(',', StringSplitOptions.RemoveEmptyEntries));
            entries.Add(new Entry(f[0], f[1], int.Parse(f[2], CultureInfo.InvariantCulture), int.Parse(f[3], CultureInfo.InvariantCulture), f[4], f[5], tags[f[1]]));
        }
        return [.. entries];
    }

    /// <summary>uint8 [3, 2108, 2108] on white: a quarter of the memory of floats.</summary>
    private static torch.Tensor ReadSheet()
    {
        using Stream stream = Resource("sheet-32.png");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        using torch.Tensor pixels = ImageFile.Decode(bytes, "emoji sheet");
        return ImageFile.ToBytes(pixels).DetachFromDisposeScope();
    }

    private sealed record Entry(string Code, string Base, int Column, int Row, string Group, string Label, string[] Tags);
}
