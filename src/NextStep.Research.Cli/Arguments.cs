using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace NextStep.Research.Cli;

/// <summary>Arguments read as they were meant: what the parser would take for something else is refused or handed over so that it cannot.</summary>
internal static class Arguments
{
    // A prompt may begin with @, and an arm be called @low: no argument names a file of further arguments.
    private static readonly ParserConfiguration Configuration = new() { ResponseFileTokenReplacer = null };

    /// <summary>Parses a command line; numbers are written with a point whatever the system's language.</summary>
    public static ParseResult Parse(RootCommand root, IReadOnlyList<string> args)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        return root.Parse([.. args.SelectMany(Split)], Configuration);
    }

    // The parser takes the next argument for the value of "--option=".
    private static IEnumerable<string> Split(string argument) =>
        argument.StartsWith('-') && argument.Length > 2 && argument.IndexOf('=', StringComparison.Ordinal) == argument.Length - 1 ? [argument[..^1], ""] : [argument];

    /// <summary>What the parser took although it was not meant so; empty where all is well.</summary>
    public static IReadOnlyList<string> Faults(ParseResult parse)
    {
        List<string> faults = [];
        foreach (SymbolResult result in parse.CommandResult.Children)
        {
            switch (result)
            {
                case OptionResult { Implicit: false } option:
                    Check(option.Option.Name, option.Option.ValueType, option.Tokens, faults.Add);
                    break;
                case ArgumentResult argument:
                    Check(argument.Argument.Name, argument.Argument.ValueType, argument.Tokens, faults.Add);
                    break;
            }
        }
        return faults;
    }

    // "1,5" is 15 to the parser, and "99" a value of every enumeration.
    private static void Check(string name, Type type, IReadOnlyList<Token> tokens, Action<string> refuse)
    {
        type = type.IsArray ? type.GetElementType()! : type;
        type = Nullable.GetUnderlyingType(type) ?? type;
        foreach (string value in tokens.Select(t => t.Value))
        {
            if (type == typeof(double) && value.Contains(',', StringComparison.Ordinal))
            {
                refuse($"{name} is '{value}', which is no number; write it with a point, for instance 1.5.");
            }
            else if (type.IsEnum && Enum.TryParse(type, value, ignoreCase: true, out _) && !Enum.GetNames(type).Contains(value, StringComparer.OrdinalIgnoreCase))
            {
                refuse($"{name} is '{value}'; known are {string.Join(", ", Enum.GetNames(type).Select(n => char.ToLowerInvariant(n[0]) + n[1..]))}.");
            }
        }
    }
}
