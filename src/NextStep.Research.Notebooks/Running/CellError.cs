using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Scripting;

namespace NextStep.Research.Notebooks;

/// <summary>What went wrong in a cell, without paths of this machine.</summary>
/// <param name="Name">The exception's type, or <c>error</c> for code that does not compile.</param>
/// <param name="Message">One or more lines.</param>
/// <param name="Where">Submission and line (<c>demo.ipynb, cell 3, line 2</c>), as far as it is known.</param>
internal sealed record CellError(string Name, string Message, string Where)
{
    /// <summary>Describes <paramref name="exception"/>.</summary>
    /// <param name="exception">As a submission threw it.</param>
    /// <param name="places">Names of submissions and scripts of this notebook.</param>
    /// <param name="cell">The cell, when nothing more exact is known.</param>
    public static CellError Of(Exception exception, IReadOnlySet<string> places, string cell)
    {
        Exception reason = exception is AggregateException { InnerExceptions: [{ } only] } ? only
            : exception is TypeInitializationException { InnerException: { } inner } ? inner : exception;
        return reason switch
        {
            CompilationErrorException { Diagnostics: { Length: > 0 } found } => Compilation([.. found.Where(d => d.Severity == DiagnosticSeverity.Error)], cell),
            CellSyntaxException syntax => new CellError("error", syntax.Message, $"{cell}, line {syntax.Line}"),
            _ => new CellError(reason.GetType().FullName!, reason.Message, Place(reason, places) ?? cell),
        };
    }

    /// <summary>As nbformat keeps it.</summary>
    public JsonObject ToOutput() => new()
    {
        ["ename"] = Name,
        ["evalue"] = Message,
        ["output_type"] = "error",
        ["traceback"] = new JsonArray($"{Where}", $"{Name}: {Message}"),
    };

    /// <summary>One line.</summary>
    public override string ToString() => $"{Where}: {Name}: {Message}";

    private static CellError Compilation(Diagnostic[] errors, string cell)
    {
        FileLinePositionSpan first = errors[0].Location.GetLineSpan();
        string where = first.IsValid && first.Path.Length > 0 ? $"{Path.GetFileName(first.Path)}, line {first.StartLinePosition.Line + 1}" : cell;
        return new CellError("error", string.Join('\n', errors.Take(5).Select(e => $"{e.Id}: {e.GetMessage(System.Globalization.CultureInfo.InvariantCulture)}")), where);
    }

    private static string? Place(Exception exception, IReadOnlySet<string> places)
    {
        foreach (StackFrame frame in new StackTrace(exception, true).GetFrames())
        {
            if (Path.GetFileName(frame.GetFileName()) is { } file && (places.Contains(file) || file.EndsWith(".csx", StringComparison.Ordinal)) && frame.GetFileLineNumber() is > 0 and var line)
            {
                return $"{file}, line {line}";
            }
        }
        return null;
    }
}
