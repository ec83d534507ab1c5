using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Scripting;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>The rule of <see cref="Scalars"/> in cells: they are compiled as the session compiles them, not run, and their code is read.</summary>
public sealed class CellScalarTests
{
    private static readonly string Committed = Path.Combine(NotebookFolder.Repository, "notebooks");

    private static readonly ScriptOptions Options = CSharpSession.Options(Committed);

    public static TheoryData<string> Notebooks => [.. Directory.GetFiles(Committed, "*.ipynb").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Notebooks))]
    public void No_number_of_a_committed_cell_can_be_freed_during_a_call(string notebook)
    {
        string[] uses = [.. Uses(Path.Combine(Committed, notebook))];
        Assert.True(uses.Length == 0, "Write x.Plus(y), x.Times(0.5), x.clamp(Scalars.Of(0), Scalars.Of(1)), … (see Scalars):\n" + string.Join('\n', uses));
    }

    [Fact]
    public void A_cell_that_makes_one_is_named_with_its_line()
    {
        using NotebookFolder folder = new();
        string file = folder.WriteNotebook(
            "own.ipynb", "using TorchSharp;\nusing static TorchSharp.torch;\nvar x = ones(2);", "using NextStep.Research;\nvar safe = x.Times(0.5);\nvar hazard = x * 0.5f;", "Tensor Sum(Tensor y) =>\n    x.add(y);");
        Assert.Equal(["cell 2(3): Tensor.op_Multiply", "cell 3(2): Tensor.add"], Uses(file).Select(u => u[..u.LastIndexOf('(')]));
    }

    // Cells one after the other, each seeing what the earlier ones declare.
    private static IEnumerable<string> Uses(string notebook)
    {
        string folder = Path.GetDirectoryName(notebook)!;
        using NotebookFolder emitted = new();
        Script<object>? script = null;
        int number = 0;
        foreach (NotebookCell cell in NotebookReader.Read(notebook).Cells.Where(c => c.Kind == CellKind.Code))
        {
            number++;
            foreach (string text in CellParts.Split(cell.Source).SelectMany(p => Code(p, folder)))
            {
                ScriptOptions named = Options.WithFilePath($"cell {number}");
                script = script is null ? CSharpScript.Create<object>(text, named) : script.ContinueWith<object>(text, named);
                string file = emitted.File("cell.dll");
                EmitResult result;
                using (FileStream code = File.Create(file), symbols = File.Create(emitted.File("cell.pdb")))
                {
                    result = script.GetCompilation().Emit(code, symbols, options: new EmitOptions(debugInformationFormat: DebugInformationFormat.PortablePdb), cancellationToken: TestContext.Current.CancellationToken);
                }
                Assert.True(result.Success, $"{Path.GetFileName(notebook)}, cell {number}: {string.Join('\n', result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error))}");
                foreach (ScalarUse use in ScalarUse.In(file))
                {
                    yield return $"{Path.GetFileName(use.File)}({use.Line}): {use.Member}";
                }
            }
        }
    }

    private static IEnumerable<string> Code(CellPart part, string folder) => part switch
    {
        CellPart.CSharp code => [code.Text],
        CellPart.Import import => CellParts.Split(File.ReadAllText(Path.Combine(folder, import.Path))).SelectMany(p => Code(p, folder)),
        _ => [],
    };
}
