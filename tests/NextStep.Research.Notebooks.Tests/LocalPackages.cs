using System.Diagnostics;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>Our packages, made from this build, and where a kernel may install them without leaving anything behind.</summary>
/// <param name="Folder">Holds them.</param>
/// <param name="Environment">Of the kernel's process.</param>
internal sealed record LocalPackages(string Folder, IReadOnlyDictionary<string, string> Environment)
{
    private static readonly string[] Projects = ["NextStep.Research", "NextStep.Research.Experiments", "NextStep.Research.Reports", "NextStep.Research.Notebooks"];

    /// <summary>Packs without building: what is tested is what lies there.</summary>
    public static LocalPackages Make(NotebookFolder folder)
    {
        string projects = string.Join(';', Projects.Select(p => Path.Combine(NotebookFolder.Repository, "src", p, p + ".csproj"))), packages = folder.File("packages");
        string pack = folder.Write("pack.proj", $"""
            <Project>
              <Target Name="All">
                <MSBuild Projects="{projects}" Targets="Pack" Properties="NoBuild=true;Configuration={RealKernel.Configuration};PackageOutputPath={packages}" />
              </Target>
            </Project>
            """);
        using Process process = Process.Start(new ProcessStartInfo("dotnet", ["msbuild", pack, "-t:All", "-nologo", "-v:q", "-nr:false"]) { RedirectStandardOutput = true })!;
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, said);
        return new LocalPackages(packages, Apart(folder));
    }

    // Ours go into a folder of the test; all others are taken from where the build has put them.
    private static Dictionary<string, string> Apart(NotebookFolder folder)
    {
        string home = System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile), config = Path.Combine(".nuget", "NuGet", "NuGet.Config"), own = folder.File("home");
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
            ["NUGET_PACKAGES"] = folder.File("installed"),
            ["NUGET_FALLBACK_PACKAGES"] = System.Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(home, ".nuget", "packages"),
        };
    }
}
