using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;

namespace NextStep.Research.Notebooks;

/// <summary>C# submissions one after the other, each seeing what the earlier ones declared: the dialect of the .NET Interactive kernel.</summary>
internal sealed class CSharpSession
{
    // Exactly what the kernel imports; note that System.IO is not among them.
    private static readonly string[] Imports = ["System", "System.Text", "System.Collections", "System.Collections.Generic", "System.Threading.Tasks", "System.Linq"];

    private readonly ScriptOptions _options;
    private ScriptState<object>? _state;

    /// <param name="folder">Relative <c>#r</c> and <c>#load</c> start here.</param>
    public CSharpSession(string folder) => _options = Options(folder);

    /// <summary>What every submission is compiled with; relative <c>#r</c> and <c>#load</c> start in <paramref name="folder"/>.</summary>
    public static ScriptOptions Options(string folder)
    {
        string assemblies = (string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!;
        return ScriptOptions.Default
            .WithReferences(assemblies.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Select(a => MetadataReference.CreateFromFile(a)))
            .WithImports(Imports)
            .WithLanguageVersion(LanguageVersion.Latest)
            .WithAllowUnsafe(true)
            .WithEmitDebugInformation(true)
            .WithFileEncoding(Encoding.UTF8)
            .WithSourceResolver(new SourceFileResolver([], folder))
            .WithMetadataResolver(ScriptMetadataResolver.Default.WithBaseDirectory(folder));
    }

    /// <summary>All variables declared so far, the newest of a name last.</summary>
    public IEnumerable<(string Name, object? Value)> Variables => (_state?.Variables ?? []).Select(v => (v.Name, (object?)v.Value));

    /// <summary>Runs one submission and returns the value of its last expression, or null.</summary>
    /// <param name="code">C# script; top-level await is allowed.</param>
    /// <param name="name">What errors and stack traces call it.</param>
    /// <exception cref="CompilationErrorException">It does not compile.</exception>
    public async Task<object?> Run(string code, string name)
    {
        ScriptOptions options = _options.WithFilePath(name);
        // What was declared before an exception stays declared, as in the kernel.
        _state = _state is null
            ? await CSharpScript.Create<object>(code, options).RunAsync(null, _ => true)
            : await _state.ContinueWithAsync<object>(code, options, _ => true);
        if (_state.Exception is { } exception)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(exception);
        }
        return _state.ReturnValue;
    }
}
