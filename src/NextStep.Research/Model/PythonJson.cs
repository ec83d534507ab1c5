using System.Text.RegularExpressions;

namespace NextStep.Research;

/// <summary>JSON as Python writes it, with numbers that JSON does not have: bare <c>Infinity</c>, <c>-Infinity</c> and <c>NaN</c>.</summary>
internal static partial class PythonJson
{
    /// <summary>The text with each of them as a string: a key that nobody reads then costs nothing, and one that must be a number is named.</summary>
    public static string Standard(string text) =>
        text.Contains("NaN", StringComparison.Ordinal) || text.Contains("Infinity", StringComparison.Ordinal) ? Tokens().Replace(text, match => match.Value[0] == '"' ? match.Value : $"\"{match.Value}\"") : text;

    // Whole strings are matched too, so that nothing inside them is taken for a number.
    [GeneratedRegex("""
        "(?:[^"\\]|\\.)*"|-?Infinity\b|NaN\b
        """, RegexOptions.Singleline | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Tokens();
}
