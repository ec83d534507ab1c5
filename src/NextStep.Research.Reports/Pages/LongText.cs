using System.Globalization;

namespace NextStep.Research.Reports;

/// <summary>Texts from files that may be as long and as hostile as they like.</summary>
internal static class LongText
{
    private const int Longest = 240;

    /// <summary>Isolated in its own direction; the rest of a long text unfolds.</summary>
    public static Html Of(string text)
    {
        int end = EndOf(text);
        return end == text.Length
            ? Html.Of($"<bdi>{text}</bdi>")
            : Html.Of($"<details class=\"long\"><summary><bdi>{text[..end]}</bdi>… <span class=\"soft\">({text.Length} characters)</span></summary><bdi>{text[end..]}</bdi></details>");
    }

    /// <summary>On one line, cut where it is long; for attributes and scripts.</summary>
    public static string Short(string text)
    {
        int end = EndOf(text);
        return end == text.Length ? text : $"{text[..end]}… ({text.Length} characters)";
    }

    // Not inside of a letter.
    private static int EndOf(string text)
    {
        if (text.Length <= Longest)
        {
            return text.Length;
        }

        int end = Longest;
        while (end > Longest / 2 && (char.IsLowSurrogate(text[end]) || CharUnicodeInfo.GetUnicodeCategory(text, end) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark))
        {
            end--;
        }

        return end;
    }
}
