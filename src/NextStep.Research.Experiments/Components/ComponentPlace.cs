using System.Diagnostics;
using System.Text.RegularExpressions;

namespace NextStep.Research.Experiments;

/// <summary>Lines in the source of a component, for what is said of it.</summary>
internal static class ComponentPlace
{
    /// <summary>The line that an exception came through last in this file; null when it did not.</summary>
    public static int? Thrown(Exception e, string file)
    {
        for (Exception? at = e; at is not null; at = at.InnerException)
        {
            if (file.Length > 0 && new StackTrace(at, true).GetFrames().FirstOrDefault(f => f.GetFileName() == file) is { } frame && frame.GetFileLineNumber() is > 0 and int line)
            {
                return line;
            }
        }
        return null;
    }

    /// <summary>Where a type is declared; 0 when the file is no source that is there.</summary>
    public static int Declared(Type type, string file)
    {
        if (!file.EndsWith(".cs", StringComparison.OrdinalIgnoreCase) || !File.Exists(file))
        {
            return 0;
        }
        Regex declaration = new($@"\b(record|class)\s+{Regex.Escape(type.Name)}\b");
        return Array.FindIndex(File.ReadAllLines(file), l => declaration.IsMatch(l)) + 1;
    }
}
