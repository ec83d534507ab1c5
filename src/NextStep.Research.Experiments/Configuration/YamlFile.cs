using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>YAML from files that may be hostile: bounded size and depth, no anchors, one document, a mapping at the root.</summary>
internal static class YamlFile
{
    public const int LargestFile = 1 << 20;
    private const int DeepestNesting = 32;

    /// <exception cref="ConfigException">Absent, too large, or not YAML of this kind.</exception>
    public static YamlMappingNode Load(string file)
    {
        string text;
        try
        {
            FileInfo info = new(file);
            if (!info.Exists)
            {
                throw Failure(file, 0, Directory.Exists(file) ? "is a folder, not a file" : "there is no such file");
            }
            if (info.Length > LargestFile)
            {
                throw Failure(file, 0, $"is {info.Length} bytes long; a configuration has at most {LargestFile}");
            }
            text = File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Failure(file, 0, $"cannot be read: {e.Message}");
        }
        return Parse(text, file);
    }

    /// <exception cref="ConfigException">Not YAML of this kind.</exception>
    public static YamlMappingNode Parse(string text, string file) => Read(text, file, "") switch
    {
        null => throw Failure(file, 0, "is empty"),
        YamlMappingNode mapping => mapping,
        { } other => throw Failure(file, (int)other.Start.Line, $"expected keys and values, found {ConfigValue.Describe(other)}"),
    };

    /// <summary>One value, as behind the equals sign of <c>--set</c>.</summary>
    public static YamlNode ParseValue(string text, string source, string path) => Read(text, source, path) ?? new YamlScalarNode("");

    private static YamlNode? Read(string text, string file, string path)
    {
        if (text.Length > LargestFile)
        {
            throw Failure(file, 0, $"is longer than {LargestFile} characters");
        }
        try
        {
            Check(text, file);
            YamlStream stream = new();
            stream.Load(new StringReader(text));
            return stream.Documents.Count == 0 ? null : stream.Documents[0].RootNode;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException) // the scanner's own, on some broken flow lists
        {
            throw Failure(file, 0, $"is no YAML that can be read: {e.Message}");
        }
        catch (YamlException e)
        {
            string tab = IsTab(text, e.Start) ? "a tab is used for indentation; YAML wants spaces" : e.Message;
            string message = e.Message.Contains("Duplicate key", StringComparison.OrdinalIgnoreCase) ? "the same key stands twice: " + e.Message : tab;
            throw new ConfigException(new ConfigError(file, path.Length > 0 ? 0 : (int)e.Start.Line, path, message));
        }
    }

    // The events come one at a time, so that depth and aliases are known before any tree is built.
    private static void Check(string text, string file)
    {
        Parser parser = new(new StringReader(text));
        int depth = 0, documents = 0;
        while (parser.MoveNext())
        {
            ParsingEvent e = parser.Current!;
            depth += e.NestingIncrease;
            documents += e is DocumentStart ? 1 : 0;
            // Stream and document count as two levels.
            string? problem = depth > DeepestNesting + 2 ? $"is nested more than {DeepestNesting} levels deep"
                : e is AnchorAlias || e is NodeEvent { Anchor.IsEmpty: false } ? "anchors and aliases (& and *) are not supported; write the value out, or use extends"
                : documents > 1 ? "holds more than one document"
                : null;
            if (problem is not null)
            {
                throw Failure(file, (int)e.Start.Line, problem);
            }
        }
    }

    private static bool IsTab(string text, Mark mark)
    {
        string[] lines = text.Split('\n');
        // The scanner reports the place of the tab, or the token in front of it.
        return Enumerable.Range((int)mark.Line - 1, 2).Any(i => i >= 0 && i < lines.Length && lines[i].TakeWhile(char.IsWhiteSpace).Contains('\t'));
    }

    private static ConfigException Failure(string file, int line, string message) => new(new ConfigError(file, line, "", message));
}
