using System.Text.Json.Nodes;
using NextStep.Research.Experiments;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>Our packages, made from this build and installed from a folder into a kernel that has nothing of ours.</summary>
public sealed class PackageTests : IDisposable
{
    private const string Tiny = """
        name: tiny
        threads: 1
        data: { imageSize: 16, images: 16, skills: [colors] }
        autoencoder: { width: 8, multipliers: [1, 2], latentChannels: 2, lossWeights: { absolute: 0, gradient: 0 } }
        model: { size: nano, head: { batchMultiplier: 1 } }
        training:
          autoencoder: { images: 8, batchSize: 8, warmup: 8, logEvery: 8 }
          model: { images: 8, batchSize: 8, warmup: 8, logEvery: 8 }
        sampling: { steps: 1 }
        evaluation: { samples: 1, heldOut: 2 }
        """;

    private readonly NotebookFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Three_lines_are_enough_in_a_fresh_kernel()
    {
        LocalPackages packages = LocalPackages.Make(_folder);
        _folder.Write("tiny.yaml", Tiny);
        string notebook = _folder.WriteNotebook("packages.ipynb",
            $"#i \"nuget:{packages.Folder}\"\n#r \"nuget: NextStep.Research.Notebooks\"",
            "#!sweep tiny.yaml --out run --set seeds=[4] --set \"question=Does it run?\"",
            "new RunFolder(\"run\").ToDataFrame().AsTable([\"arm\", \"state\"])",
            "(rand(3, 8, 8) * 2 - 1).AsPicture()",
            "new Figure(\"a\", \"x\", \"y\", [new FigureSeries(\"line\", [1, 2, 3], [1, 4, 9])])");
        List<JsonObject>[] kernel = RealKernel.Run(_folder, notebook, packages.Environment);
        string[] failures = RealKernel.Failures(kernel.SelectMany(c => c));
        Assert.SkipWhen(failures.Any(f => f.Contains("NU1301", StringComparison.Ordinal)), "no package source can be reached");
        Assert.Empty(failures);
        // One table in one place, which went from the first stage to the end.
        Assert.Contains(">done<", Data(Assert.Single(RealKernel.Page(kernel[1])), "text/html"), StringComparison.Ordinal);
        Assert.True(kernel[1].Count > 1);
        Plan plan = new RunFolder(_folder.File("run")).RequirePlan();
        Assert.Equal(("Does it run?", 4L), (plan.Question, Assert.Single(plan.Cells).Seed));
        Assert.Contains(">baseline<", Data(Assert.Single(kernel[2]), "text/html"), StringComparison.Ordinal);
        Assert.StartsWith("iVBOR", Data(Assert.Single(kernel[3]), "image/png"), StringComparison.Ordinal);
        Assert.Contains("<iframe", Data(Assert.Single(kernel[4]), "text/html"), StringComparison.Ordinal);
    }

    private static string Data(JsonObject shown, string type) => shown["data"]![type]!.GetValue<string>();
}
