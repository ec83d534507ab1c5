using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace NextStep.Research.Experiments;

/// <summary>C# source of components to an assembly in memory, against the public API of this library.</summary>
internal static class ComponentCompiler
{
    // What a project gets by itself, and what all of our own files name.
    private const string Usings = """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Threading; global using System.Threading.Tasks;
        global using System.ComponentModel.DataAnnotations; global using NextStep.Research; global using TorchSharp; global using TorchSharp.Modules; global using static TorchSharp.torch;
        """;

    private static readonly Lazy<MetadataReference[]> References = new(() =>
    [
        .. ((string?)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Concat(((Assembly[])[typeof(ResearchConfig).Assembly, typeof(TorchSharp.torch).Assembly, typeof(ComponentCompiler).Assembly]).Select(a => a.Location))
            .Where(File.Exists).DistinctBy(Path.GetFileName).Select(f => MetadataReference.CreateFromFile(f)),
    ]);

    /// <summary>Compiles and loads; null when there are <paramref name="errors"/>, each with its file and line.</summary>
    /// <param name="file">Named in errors and stack traces.</param>
    /// <param name="text">The source.</param>
    /// <param name="errors">Where they go.</param>
    public static Assembly? Load(string file, string text, List<ConfigError> errors)
    {
        CSharpParseOptions language = new(LanguageVersion.Latest);
        CSharpCompilation compilation = CSharpCompilation.Create(
            $"{Path.GetFileNameWithoutExtension(file)}-{ComponentSource.HashOf(System.Text.Encoding.UTF8.GetBytes(text))}",
            [CSharpSyntaxTree.ParseText(text, language, file, System.Text.Encoding.UTF8), CSharpSyntaxTree.ParseText(Usings, language)],
            References.Value,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, nullableContextOptions: NullableContextOptions.Enable, deterministic: true));
        using MemoryStream assembly = new(), symbols = new();
        Microsoft.CodeAnalysis.Emit.EmitResult result = compilation.Emit(assembly, symbols);
        if (!result.Success)
        {
            errors.AddRange(result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error)
                .Select(d => new ConfigError(file, d.Location.GetLineSpan().StartLinePosition.Line + 1, "", $"{d.GetMessage(System.Globalization.CultureInfo.InvariantCulture)} ({d.Id})")));
            return null;
        }
        assembly.Position = symbols.Position = 0;
        AssemblyLoadContext context = AssemblyLoadContext.GetLoadContext(typeof(ResearchConfig).Assembly) ?? AssemblyLoadContext.Default;
        return context.LoadFromStream(assembly, symbols);
    }
}
