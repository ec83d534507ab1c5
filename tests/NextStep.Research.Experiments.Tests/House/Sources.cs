using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace NextStep.Research.Experiments.Tests;

/// <summary>The sources of this repository, as the compiler sees them.</summary>
internal static class Sources
{
    private const string Usings = """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
        global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;
        """;

    /// <summary>The repository's folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The .cs files below a folder of the repository, build outputs left out.</summary>
    public static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
        .Where(f => !Path.GetRelativePath(Root, f).Split(Path.DirectorySeparatorChar).Any(p => p is "obj" or "bin")).Order(StringComparer.Ordinal);

    /// <summary>One project's sources, bound, so that every name has its meaning.</summary>
    public static CSharpCompilation Compile(string project)
    {
        IEnumerable<(string File, string Text)> all = [.. Files(project).Select(f => (f, File.ReadAllText(f))), ("usings.cs", Usings)];
        IEnumerable<SyntaxTree> trees = all
            .AsParallel().AsOrdered().Select(f => CSharpSyntaxTree.ParseText(f.Text, new CSharpParseOptions(LanguageVersion.Latest, preprocessorSymbols: ["NEXTSTEP_LIBRARY", "NET"]), f.File));
        IEnumerable<MetadataReference> references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(f => Path.GetFileNameWithoutExtension(f) != Path.GetFileName(project)).Select(f => MetadataReference.CreateFromFile(f));
        return CSharpCompilation.Create(Path.GetFileName(project), trees, references, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
    }

    private static string FindRoot([CallerFilePath] string here = "")
    {
        DirectoryInfo? folder = new(Path.GetDirectoryName(here)!);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "NextStep.Research.sln")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName ?? throw new DirectoryNotFoundException("The tests do not lie below NextStep.Research.sln.");
    }
}
