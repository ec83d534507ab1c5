using System.Text;

namespace NextStep.Research;

/// <summary>
/// One token per word or mark, small letters, digits one by one: short sequences for small worlds.
/// A word that was not in the captions becomes the unknown word. Decoding puts blanks between words, none before marks
/// and none inside a run of digits and asterisks, so that sizes such as <c>4*4</c> come back as written.
/// </summary>
public sealed class WordTokenizer : TextTokenizer
{
    /// <summary>How the unknown word is written when decoded.</summary>
    public const string Unknown = "[UNK]";

    private const string AlwaysKnown = "0123456789*.,:;!?'-";

    private readonly string[] _words;
    private readonly Dictionary<string, int> _ids;

    internal WordTokenizer(IEnumerable<string> words)
    {
        _words = [.. words];
        _ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < _words.Length; i++)
        {
            if (!_ids.TryAdd(_words[i], FirstWord + i))
            {
                throw new ArgumentException($"The word '{_words[i]}' occurs twice.", nameof(words));
            }
        }
    }

    /// <inheritdoc/>
    public override int VocabularySize => FirstWord + _words.Length;

    /// <inheritdoc/>
    public override SpecialTokens Special => SpecialTokenText.Ids;

    /// <summary>The id of every word that is not in the vocabulary.</summary>
    public static int UnknownId => SpecialTokenText.Written.Count;

    /// <summary>The known words in the order of their ids.</summary>
    public IReadOnlyList<string> Words => _words;

    private static int FirstWord => UnknownId + 1;

    /// <summary>
    /// A vocabulary of all words in <paramref name="captions"/> together with digits and common marks, sorted, so that the order of the
    /// captions does not matter. A world whose captions come from a grammar gives the grammar's words along with them.
    /// </summary>
    public static WordTokenizer FromCaptions(IEnumerable<string> captions)
    {
        ArgumentNullException.ThrowIfNull(captions);
        SortedSet<string> words = new(StringComparer.Ordinal);
        foreach (string caption in captions.Append(AlwaysKnown))
        {
            words.UnionWith(SpecialTokenText.Split(caption).Where(p => p.Id < 0).SelectMany(p => Pieces(p.Text)));
        }
        return new WordTokenizer(words);
    }

    /// <inheritdoc/>
    public override int[] Encode(string text)
    {
        List<int> ids = [];
        foreach ((string piece, int id) in SpecialTokenText.Split(text))
        {
            if (id >= 0)
            {
                ids.Add(id);
            }
            else
            {
                ids.AddRange(Pieces(piece).Select(w => _ids.GetValueOrDefault(w, UnknownId)));
            }
        }
        return [.. ids];
    }

    /// <summary>Words of a text that become the unknown word, each once, as they are looked up.</summary>
    public IReadOnlyList<string> UnknownWords(string text) =>
        [.. SpecialTokenText.Split(text).Where(p => p.Id < 0).SelectMany(p => Pieces(p.Text)).Where(w => !_ids.ContainsKey(w)).Distinct()];

    /// <inheritdoc/>
    public override string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        StringBuilder text = new();
        string last = "";
        foreach (int id in ids)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id, nameof(ids));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize, nameof(ids));
            string word = id < UnknownId ? SpecialTokenText.Written[id] : id == UnknownId ? Unknown : _words[id - FirstWord];
            bool plain = id >= UnknownId && last.Length > 0;
            if (plain && !IsClosing(word) && !(IsTight(word) && IsTight(last)) && last is not ("-" or "'"))
            {
                text.Append(' ');
            }
            text.Append(word);
            last = id < UnknownId ? "" : word;
        }
        return text.ToString();
    }

    /// <inheritdoc/>
    public override void Save(string folder) => TextTokenizerFiles.Write(folder, new TextTokenizerFiles.Content("words", SpecialTokenText.Written, _words));

    private static bool IsClosing(string word) => word is "." or "," or ":" or ";" or "!" or "?" or "'" or "-" or ")";

    private static bool IsTight(string word) => word.Length == 1 && (char.IsAsciiDigit(word[0]) || word[0] == '*');

    /// <summary>Runs of letters are words; every other sign except white space stands alone.</summary>
    private static IEnumerable<string> Pieces(string text)
    {
        int start = 0;
        for (int i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && (char.IsLetter(text[i]) || char.IsSurrogate(text[i]) || char.IsControl(text[i]) && !char.IsWhiteSpace(text[i])))
            {
                continue;
            }
            if (i > start)
            {
                yield return text[start..i].ToLowerInvariant();
            }
            if (i < text.Length && !char.IsWhiteSpace(text[i]))
            {
                yield return text[i].ToString();
            }
            start = i + 1;
        }
    }
}
