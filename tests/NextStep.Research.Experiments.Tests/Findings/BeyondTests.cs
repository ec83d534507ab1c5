namespace NextStep.Research.Experiments.Tests;

/// <summary>The collection of what the paper leaves open: files, results and pictures of its own, judged as the claims are.</summary>
public sealed class BeyondTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_collections_do_not_see_each_other()
    {
        _folder.Write("claims/one.yaml", "question: One?");
        _folder.Write("beyond/two.yaml", "question: Two?");
        _folder.Write("results/three.json", "{}");
        _folder.Write("beyond/results/four.json", "{}");
        ClaimFolder paper = new(_folder.Path), beyond = new(_folder.Path, "beyond");
        Assert.Equal([("one", _folder.File("results/one.json"), _folder.File("pictures/one.png"))], paper.All().Select(c => (c.Name, c.Results, c.Picture)));
        Assert.Equal([("two", _folder.File("beyond/results/two.json"), _folder.File("beyond/pictures/two.png"))], beyond.All().Select(c => (c.Name, c.Results, c.Picture)));
        Assert.Contains("three.json: belongs to no claim", Assert.Single(paper.Strays()), StringComparison.Ordinal);
        Assert.Contains("four.json: belongs to no claim", Assert.Single(beyond.Strays()), StringComparison.Ordinal);
    }

    [Fact]
    public void The_command_and_its_page_are_about_the_collection_that_was_asked_for()
    {
        _folder.Write("claims/one.yaml", "question: One?");
        _folder.Write("beyond/two.yaml", "question: Two?\nclaims: [{ say: it falls, test: 'flow.loss[baseline] > 0' }]");
        string page = _folder.File("page.html");
        (int code, string output, string error) = CommandLine.Call(["reproduce", "--beyond", "--check", "--experiments", _folder.Path, "-o", page]);
        Assert.Equal((0, $"page: {page}"), (code, error.Trim()));
        Assert.Contains("two", output, StringComparison.Ordinal);
        Assert.DoesNotContain("One?", File.ReadAllText(page), StringComparison.Ordinal);
        Assert.Contains("<h1>Beyond NextStep-1, at small scale</h1>", File.ReadAllText(page), StringComparison.Ordinal);
        Assert.Contains("nextstep reproduce --beyond --check two", File.ReadAllText(page), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_file_of_the_kit_is_planned_whole_and_small()
    {
        IReadOnlyList<ClaimFile> files = new ClaimFolder(Path.Combine(Sources.Root, "experiments"), "beyond").All();
        Assert.All(files, file =>
        {
            Experiment experiment = ExperimentFile.Load(file.Path), small = ExperimentFile.LoadSmoke(file.Path);
            Assert.Equal(file.Name, experiment.Name);
            Assert.True(experiment is { Question.Length: > 0, Sceptic.Length: > 0 }, $"{file.Path} has no question or sceptic");
            Assert.NotEmpty(experiment.Claims);
            Assert.InRange(experiment.Seeds.Count, 5, 100);
            Assert.Equal(experiment.Arms.Count * experiment.Seeds.Count, Plan.Make(experiment, StandardStages.All).Cells.Count);
            Assert.Equal(small.Arms.Count * small.Seeds.Count, Plan.Make(small, StandardStages.All).Cells.Count);
        });
    }

    [Fact]
    public void What_is_kept_in_the_repository_follows_from_its_numbers()
    {
        ClaimFolder folder = new(Path.Combine(Sources.Root, "experiments"), "beyond");
        Assert.Empty(folder.Strays());
        Assert.All(folder.All(), c => Assert.Empty(ReproducedClaim.FromResults(c).Faults));
    }
}
