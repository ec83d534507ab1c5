using System.Text;
using System.Text.RegularExpressions;

namespace NextStep.Research.Tests;

/// <summary>A byte-level BPE written the plain way, trainer and encoder, to compare the real one with.</summary>
internal sealed class SmallBpe
{
    // The original pattern as .NET's engine understands it: the same for text within the basic plane.
    private static readonly Regex Pattern = new(
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant);

    public SmallBpe(string corpus, int merges)
    {
        foreach (var c in ByteCharacters())
        {
            Vocabulary.Add(c.ToString(), Vocabulary.Count);
        }
        var words = Cut(corpus).Select(word => Spell(word).ToList()).ToList();
        while (Merges.Count < merges)
        {
            var best = words.SelectMany(word => word.Zip(word.Skip(1))).GroupBy(pair => pair).OrderByDescending(group => group.Count())
                .ThenBy(group => group.Key.First + " " + group.Key.Second, StringComparer.Ordinal).FirstOrDefault()?.Key;
            if (best is not { } pair)
            {
                break;
            }
            Merges.Add(pair);
            Vocabulary.TryAdd(pair.First + pair.Second, Vocabulary.Count);
            words.ForEach(word => Merge(word, pair));
        }
    }

    public Dictionary<string, int> Vocabulary { get; } = new(StringComparer.Ordinal);

    public List<(string First, string Second)> Merges { get; } = [];

    public static IEnumerable<string> Cut(string text) => Pattern.Matches(text).Select(match => match.Value);

    // Applies every merge in the order in which it was learnt.
    public IEnumerable<int> Encode(string text) => Cut(text).SelectMany(word =>
    {
        var parts = Spell(word).ToList();
        Merges.ForEach(pair => Merge(parts, pair));
        return parts.Select(part => Vocabulary[part]);
    });

    private static IEnumerable<string> Spell(string word)
    {
        var characters = ByteCharacters();
        return Encoding.UTF8.GetBytes(word).Select(b => characters[b].ToString());
    }

    private static void Merge(List<string> parts, (string First, string Second) pair)
    {
        for (var i = 0; i + 1 < parts.Count; i++)
        {
            if (parts[i] == pair.First && parts[i + 1] == pair.Second)
            {
                parts[i] += parts[i + 1];
                parts.RemoveAt(i + 1);
            }
        }
    }

    private static char[] ByteCharacters()
    {
        var shown = Enumerable.Range(33, 94).Concat(Enumerable.Range(0xA1, 12)).Concat(Enumerable.Range(0xAE, 82)).ToHashSet();
        var table = new char[256];
        var next = 256;
        for (var i = 0; i < 256; i++)
        {
            table[i] = (char)(shown.Contains(i) ? i : next++);
        }
        return table;
    }
}
