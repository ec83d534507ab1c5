using System.Runtime.CompilerServices;

namespace NextStep.Research.Tests;

/// <summary>Where the recorded fixtures lie in the repository.</summary>
internal static class Fixtures
{
    public static string Folder { get; } = Locate();

    public static string File(string name) => Path.Combine(Folder, name);

    private static string Locate([CallerFilePath] string source = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", "fixtures"));
}
