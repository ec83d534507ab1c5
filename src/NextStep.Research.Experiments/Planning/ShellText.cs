using System.Text.RegularExpressions;

namespace NextStep.Research.Experiments;

/// <summary>Command lines as one types them again.</summary>
internal static partial class ShellText
{
    /// <summary>The words with a blank between them; one that a shell would take apart or change stands in single quotes.</summary>
    public static string Line(params IEnumerable<string> words) => string.Join(' ', words.Select(Word));

    /// <summary>One word.</summary>
    public static string Word(string word) => Plain().IsMatch(word) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    [GeneratedRegex(@"\A[\p{L}\p{N}_./:=,@%+\\-]+\z")]
    private static partial Regex Plain();
}
