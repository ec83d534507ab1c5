using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace NextStep.Research.Experiments.Tests;

/// <summary>Arrows only point up the list: a folder of the library uses those above it, a project those below it on the way to the library.</summary>
public sealed class ArrowTests
{
    private const string Library = "src/NextStep.Research";

    // The order of the data: pictures and text, latents, tokens, hidden states, velocities and other heads, pictures, judgement.
    private static readonly string[] Rooms =
    [
        "Components", "Torch", "Imaging", "Text", "Data", "Checkpoints", "Autoencoder", "Transformer", "FlowMatching", "Heads", "Model", "Generation", "Training", "Evaluation", "PostTraining", "Artifacts", "Parity",
    ];

    private static readonly string[] Projects =
    [
        "NextStep.Research", "NextStep.Research.Experiments", "NextStep.Research.Reports", "NextStep.Research.Notebooks", "NextStep.Research.Cli",
    ];

    private static readonly CSharpCompilation Whole = Sources.Compile(Library);

    [Fact]
    public void No_folder_of_the_library_uses_one_below_it()
    {
        List<string> up = Up(Whole);
        Assert.True(up.Count == 0, string.Join('\n', up));
    }

    [Fact]
    public void An_arrow_up_is_named_with_its_type_and_line()
    {
        string file = Path.Combine(Sources.Root, Library, "Torch", "Planted.cs");
        SyntaxTree tree = CSharpSyntaxTree.ParseText("namespace NextStep.Research;\ninternal static class Planted\n{\n    public static string Of(ImageGenerator g) => $\"{g}\";\n}\n", (CSharpParseOptions)Whole.SyntaxTrees[0].Options, file, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("Torch/Planted.cs:4 uses ImageGenerator of Generation", Assert.Single(Up(Whole.AddSyntaxTrees(tree), tree)));
    }

    [Fact]
    public void No_project_references_one_above_it()
    {
        foreach (string project in Projects)
        {
            IEnumerable<string> references = System.Xml.Linq.XDocument.Load(Path.Combine(Sources.Root, "src", project, project + ".csproj"))
                .Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value));
            Assert.All(references, r => Assert.True(Array.IndexOf(Projects, r) < Array.IndexOf(Projects, project), $"{project} references {r}."));
        }
        Assert.Equal(Projects.Order(StringComparer.Ordinal), Directory.GetDirectories(Path.Combine(Sources.Root, "src")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    private static List<string> Up(CSharpCompilation compilation, params IEnumerable<SyntaxTree> only) =>
    [
        .. (only.Any() ? only : compilation.SyntaxTrees).AsParallel().AsOrdered().Where(t => Room(t.FilePath) is not null).SelectMany(tree =>
        {
            SemanticModel model = compilation.GetSemanticModel(tree);
            int here = Array.IndexOf(Rooms, Room(tree.FilePath));
            return tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>()
                .Select(n => (Name: n, Type: Owner(model.GetSymbolInfo(n).Symbol)))
                .Where(u => u.Type is not null && u.Type.Locations.All(l => Room(l.SourceTree?.FilePath) is { } room && Array.IndexOf(Rooms, room) > here))
                .Select(u => $"{Path.GetRelativePath(Path.Combine(Sources.Root, Library), tree.FilePath)}:{tree.GetLineSpan(u.Name.Span).StartLinePosition.Line + 1} uses {u.Type!.Name} of {Room(u.Type.Locations[0].SourceTree!.FilePath)}")
                .Distinct();
        }),
    ];

    private static INamedTypeSymbol? Owner(ISymbol? symbol)
    {
        INamedTypeSymbol? type = symbol as INamedTypeSymbol ?? symbol?.ContainingType;
        return type?.OriginalDefinition is { } definition && definition.Locations.Any(l => l.IsInSource) ? definition : null;
    }

    // The first folder below the library; null = its own file, the tree of configuration, which names all rooms' records and which all may read.
    private static string? Room(string? file)
    {
        if (file is null || !Path.IsPathRooted(file))
        {
            return null;
        }
        string[] parts = Path.GetRelativePath(Path.Combine(Sources.Root, Library), file).Split(Path.DirectorySeparatorChar);
        return parts.Length == 1 ? null : parts[0];
    }
}
