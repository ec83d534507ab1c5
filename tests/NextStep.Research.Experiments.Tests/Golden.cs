using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace NextStep.Research.Experiments.Tests;

/// <summary>Texts that were looked at once. <c>NEXTSTEP_ACCEPT=1</c> takes what is printed now as right; look at the difference before committing it.</summary>
internal static partial class Golden
{
    public static void Check(string name, string actual, [CallerFilePath] string? source = null)
    {
        string file = Path.Combine(Project(), "Golden", name + ".txt");
        // Spectre pads lines to the table's width.
        string text = string.Join('\n', WithoutKeys(actual).Split('\n').Select(l => l.TrimEnd())).Trim() + "\n";
        if (Environment.GetEnvironmentVariable("NEXTSTEP_ACCEPT") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
        }
        Assert.True(File.Exists(file), $"{file} is missing; {Path.GetFileName(source)} with NEXTSTEP_ACCEPT=1 writes it");
        Assert.Equal(File.ReadAllText(file), text);
    }

    // Keys change with every version of a stage; which are the same is what counts.
    private static string WithoutKeys(string text)
    {
        Dictionary<string, string> names = [];
        return Key().Replace(text, m => names.TryGetValue(m.Value, out string? name) ? name
            : names[m.Value] = (names.Count + 1).ToString(System.Globalization.CultureInfo.InvariantCulture).PadLeft(m.Length - 3, '0').Insert(0, "key"));
    }

    [GeneratedRegex(@"\b[0-9a-f]{16}\b|\b[0-9a-f]{8}\b(?= (run|done|shared))")]
    private static partial Regex Key();

    private static string Project()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "NextStep.Research.Experiments.Tests.csproj")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName ?? throw new DirectoryNotFoundException("The test project's folder is not above the test program.");
    }
}
