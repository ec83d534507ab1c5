using System.Diagnostics;
using System.Text.Json.Nodes;
using NextStep.Research.Experiments;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>Our packages, made from this build and installed from a folder into a kernel that has nothing of ours.</summary>
public sealed class PackageTests : IDisposable
{
    private static readonly string[] Projects = ["NextStep.Research", "NextStep.Research.Experiments", "NextStep.Research.Reports", "NextStep.Research.Notebooks"];

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
        Pack();
        _folder.Write("tiny.yaml", Tiny);
        string notebook = _folder.WriteNotebook("packages.ipynb",
            $"#i \"nuget:{_folder.File("packages")}\"\n#r \"nuget: NextStep.Research.Notebooks\"",
            "#!sweep tiny.yaml --out run --set seeds=[4] --set \"question=Does it run?\"",
            "new RunFolder(\"run\").ToDataFrame().AsTable([\"arm\", \"state\"])",
            "(rand(3, 8, 8) * 2 - 1).AsPicture()",
            "new Figure(\"a\", \"x\", \"y\", [new FigureSeries(\"line\", [1, 2, 3], [1, 4, 9])])");
        List<JsonObject>[] kernel = RealKernel.Run(_folder, notebook, Environment());
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

    // Without building: what is tested is what lies there.
    private void Pack()
    {
        string projects = string.Join(';', Projects.Select(p => Path.Combine(NotebookFolder.Repository, "src", p, p + ".csproj")));
        string pack = _folder.Write("pack.proj", $"""
            <Project>
              <Target Name="All">
                <MSBuild Projects="{projects}" Targets="Pack" Properties="NoBuild=true;Configuration={RealKernel.Configuration};PackageOutputPath={_folder.File("packages")}" />
              </Target>
            </Project>
            """);
        using Process process = Process.Start(new ProcessStartInfo("dotnet", ["msbuild", pack, "-t:All", "-nologo", "-v:q", "-nr:false"]) { RedirectStandardOutput = true })!;
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, said);
    }

    // Our packages go into a folder of the test; all others are taken from where the build has put them.
    private Dictionary<string, string> Environment()
    {
        string home = System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile), config = Path.Combine(".nuget", "NuGet", "NuGet.Config"), own = _folder.File("home");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(own, config))!);
        if (File.Exists(Path.Combine(home, config)))
        {
            File.Copy(Path.Combine(home, config), Path.Combine(own, config));
        }
        return new Dictionary<string, string>
        {
            ["HOME"] = own,
            ["USERPROFILE"] = own,
            ["DOTNET_CLI_HOME"] = own,
            ["DOTNET_NOLOGO"] = "1",
            ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
            ["DOTNET_GENERATE_ASPNET_CERTIFICATE"] = "false",
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["NUGET_PACKAGES"] = _folder.File("installed"),
            ["NUGET_FALLBACK_PACKAGES"] = System.Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(home, ".nuget", "packages"),
        };
    }
}
