using System.Text.RegularExpressions;

namespace NextStep.Research.Notebooks;

/// <summary>Reads a line of <see cref="Magics"/>: words, quotes around those with blanks, options behind or before the path.</summary>
internal static partial class MagicLine
{
    /// <summary>What the line asks for.</summary>
    /// <param name="number">Of the line, for errors.</param>
    /// <param name="name">Without <c>#!</c>.</param>
    /// <param name="rest">The line behind it.</param>
    /// <exception cref="CellSyntaxException">The line cannot be understood.</exception>
    public static Action Parse(int number, string name, string rest)
    {
        string usage = name switch
        {
            "sweep" => "#!sweep FILE [--out RUN] [--set path=value …]",
            "status" => "#!status RUN [--watch]",
            _ => "#!report RUN",
        };
        string? path = null, output = null;
        bool watch = false;
        List<string> set = [];
        using IEnumerator<string> words = Words().Matches(rest).Select(m => m.Groups["quoted"] is { Success: true } quoted ? quoted.Value : m.Value).GetEnumerator();
        while (words.MoveNext())
        {
            switch (words.Current)
            {
                case "--out" when name == "sweep" && words.MoveNext():
                    output = words.Current;
                    break;
                case "--set" when name == "sweep" && words.MoveNext():
                    set.Add(words.Current);
                    break;
                case "--watch" when name == "status":
                    watch = true;
                    break;
                case "--file" when name == "sweep" && path is null && words.MoveNext():
                case "--run" when name != "sweep" && path is null && words.MoveNext():
                    path = words.Current;
                    break;
                case { } word when path is null && !word.StartsWith("--", StringComparison.Ordinal):
                    path = word;
                    break;
                default:
                    throw new CellSyntaxException(number, $"'#!{name} {rest}' is not understood; it is {usage}");
            }
        }
        return path is null ? throw new CellSyntaxException(number, $"'#!{name}' names no {(name == "sweep" ? "experiment file" : "run folder")}; it is {usage}")
            : name switch
            {
                "sweep" => () => Magics.Sweep(path, output, set),
                "status" => () => Magics.Status(path, watch),
                _ => () => Magics.Report(path),
            };
    }

    [GeneratedRegex("""
        "(?<quoted>[^"]*)"|\S+
        """)]
    private static partial Regex Words();
}
