using System.Text;
using System.Text.RegularExpressions;

namespace NextStep.Research;

/// <summary>
/// The byte-level BPE of Qwen2.5 as the released folders carry it (spec §6): special tokens are taken whole, the rest is normalised to NFC, cut by
/// Qwen's pattern, and merged. All ids come from the files.
/// </summary>
public sealed class QwenTokenizer : TextTokenizer
{
    private readonly QwenFiles _files;
    private readonly ByteBpe _bpe;
    private readonly Dictionary<int, string> _added;
    private readonly Dictionary<int, byte[]> _bytes;
    private readonly Regex? _specials;

    private QwenTokenizer(string folder, QwenFiles files)
    {
        _files = files;
        _added = Invert(folder, files.Added);
        var ordinary = files.Vocabulary.Where(pair => !files.Added.ContainsKey(pair.Key)).ToDictionary(StringComparer.Ordinal);
        _bytes = ByteAlphabet.Decode(folder, ordinary);
        try
        {
            _bpe = new ByteBpe(ordinary, files.Merges);
        }
        catch (FormatException e)
        {
            throw new InvalidDataException($"{folder}: the vocabulary and the merges do not fit together: {e.Message}", e);
        }
        // Longest first, so that a token that begins like another is not cut short.
        var names = files.Added.Keys.Where(name => name.Length > 0).OrderByDescending(name => name.Length).ThenBy(name => name, StringComparer.Ordinal).ToArray();
        _specials = names.Length == 0 ? null : new Regex($"({string.Join('|', names.Select(Regex.Escape))})", RegexOptions.CultureInvariant);
        VocabularySize = 1 + ordinary.Values.Concat(_added.Keys).DefaultIfEmpty(-1).Max();
        Special = FindSpecial(folder, files);
    }

    /// <summary>Highest id + 1. Released embeddings have more rows than this.</summary>
    public override int VocabularySize { get; }

    /// <inheritdoc/>
    public override SpecialTokens Special { get; }

    /// <summary>Reads <c>vocab.json</c>, <c>merges.txt</c>, <c>added_tokens.json</c> and <c>tokenizer_config.json</c>, or <c>tokenizer.json</c> where that is all there is.</summary>
    /// <exception cref="FileNotFoundException">The folder has no tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or structural tokens are missing; all are listed.</exception>
    public static QwenTokenizer Load(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return new QwenTokenizer(folder, QwenFiles.Read(folder));
    }

    /// <inheritdoc/>
    public override int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>();
        foreach (var part in _specials?.Split(text) ?? [text])
        {
            if (_files.Added.TryGetValue(part, out var special))
            {
                ids.Add(special);
            }
            else if (part.Length > 0)
            {
                var normal = NfcNormalizer.Normalize(part);
                foreach (var (at, length) in QwenPreTokenizer.Cut(normal))
                {
                    _bpe.Encode(normal.AsSpan(at, length), ids);
                }
            }
        }
        return [.. ids];
    }

    /// <summary>The text of <paramref name="ids"/>, special tokens included; bytes that are not UTF-8 become U+FFFD, ids that nobody has are left out.</summary>
    public override string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using var bytes = new MemoryStream();
        foreach (var id in ids)
        {
            bytes.Write(_added.TryGetValue(id, out var special) ? Encoding.UTF8.GetBytes(special) : _bytes.GetValueOrDefault(id, []));
        }
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <summary>Writes the files back as they were read.</summary>
    public override void Save(string folder)
    {
        foreach (var (name, contents) in _files.Contents)
        {
            AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(contents));
        }
    }

    private static SpecialTokens FindSpecial(string folder, QwenFiles files)
    {
        var missing = new List<string>();
        int Find(string name)
        {
            if (files.Added.TryGetValue(name, out var id) || files.Vocabulary.TryGetValue(name, out id))
            {
                return id;
            }
            missing.Add(name);
            return -1;
        }
        var special = new SpecialTokens
        {
            Pad = Find(files.Pad ?? "[PAD]"),
            ImageArea = Find("<|image_area|>"),
            BeginOfImage = Find("<|begin_of_image|>"),
            EndOfImage = Find("<|end_of_image|>"),
            ImagePlaceholder = Find("<|image_placeholder|>"),
            EndOfText = Find("<|endoftext|>"),
            BeginOfText = files.BeginOfText is { } begin ? Find(begin) : null,
        };
        return missing.Count == 0 ? special
            : throw new InvalidDataException($"{folder}: the tokenizer lacks {Problems.List(missing, "structural token", "structural tokens")}. A stock Qwen tokenizer has to be extended first.");
    }

    private static Dictionary<int, string> Invert(string folder, IReadOnlyDictionary<string, int> tokens)
    {
        var names = new Dictionary<int, string>();
        foreach (var (name, id) in tokens)
        {
            if (!names.TryAdd(id, name))
            {
                throw new InvalidDataException($"{folder}: '{name}' and '{names[id]}' both have the id {id}.");
            }
        }
        return names;
    }
}
