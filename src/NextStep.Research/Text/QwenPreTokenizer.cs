using System.Globalization;
using System.Text;

namespace NextStep.Research;

/// <summary>
/// Cuts text as the Qwen2 pattern does: contractions, words with at most one leading symbol, single digits, runs of symbols, white space.
/// Written out over code points, because a .NET <c>Regex</c> sees UTF-16 halves and would cut "😀abc" or "𠀀" elsewhere than the original.
/// </summary>
internal static class QwenPreTokenizer
{
    /// <summary>The pattern in <c>tokenizer.json</c> that this class is equal to.</summary>
    public const string Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private enum Kind
    {
        Letter,
        Number,
        Break,
        Space,
        Symbol,
        End,
    }

    /// <summary>The pieces, which cover the whole text.</summary>
    public static List<(int Offset, int Length)> Cut(ReadOnlySpan<char> text)
    {
        var pieces = new List<(int, int)>();
        for (var at = 0; at < text.Length;)
        {
            var length = Contraction(text[at..]) is > 0 and var short_ ? short_ : Length(text, at);
            pieces.Add((at, length));
            at += length;
        }
        return pieces;
    }

    private static int Length(ReadOnlySpan<char> text, int at)
    {
        var kind = KindAt(text, at, out var width);
        var next = at + width;
        if (kind == Kind.Letter || (kind is Kind.Symbol or Kind.Space && KindAt(text, next, out _) == Kind.Letter))
        {
            return Run(text, next, Kind.Letter) - at;
        }
        if (kind == Kind.Number)
        {
            return width;
        }
        var symbols = text[at] == ' ' ? next : at;
        if (KindAt(text, symbols, out _) == Kind.Symbol)
        {
            return Run(text, Run(text, symbols, Kind.Symbol), Kind.Break) - at;
        }
        return Blank(text, at);
    }

    // \s*[\r\n]+ | \s+(?!\S) | \s+ : up to the last line break of the run; else all but the last space when something follows.
    private static int Blank(ReadOnlySpan<char> text, int at)
    {
        int end = at, last = at, afterBreak = -1;
        while (KindAt(text, end, out var width) is var kind && kind is Kind.Space or Kind.Break)
        {
            last = end;
            end += width;
            afterBreak = kind == Kind.Break ? end : afterBreak;
        }
        return (afterBreak >= 0 ? afterBreak : end == text.Length || last == at ? end : last) - at;
    }

    private static int Run(ReadOnlySpan<char> text, int at, Kind wanted)
    {
        while (KindAt(text, at, out var width) == wanted)
        {
            at += width;
        }
        return at;
    }

    private static int Contraction(ReadOnlySpan<char> text)
    {
        if (text.Length < 2 || text[0] != '\'')
        {
            return 0;
        }
        var first = Lower(text[1]);
        var second = text.Length > 2 ? Lower(text[2]) : '\0';
        return (first, second) switch
        {
            ('s' or 't' or 'm' or 'd', _) => 2,
            ('r' or 'v', 'e') => 3,
            ('l', 'l') => 3,
            _ => 0,
        };
    }

    // Simple case folding reaches these letters from A to Z and from the long s.
    private static char Lower(char c) => c == '\u017F' ? 's' : char.ToLowerInvariant(c);

    private static Kind KindAt(ReadOnlySpan<char> text, int at, out int width)
    {
        width = 0;
        if (at >= text.Length)
        {
            return Kind.End;
        }
        Rune.DecodeFromUtf16(text[at..], out var rune, out width);
        return rune.Value is '\r' or '\n' ? Kind.Break
            : Rune.IsWhiteSpace(rune) ? Kind.Space
            : Rune.GetUnicodeCategory(rune) switch
            {
                UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                    or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Kind.Letter,
                UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
                _ => Kind.Symbol,
            };
    }
}
