namespace NextStep.Research.Experiments.Tests;

/// <summary>The numbers of claims that the repository holds, and what its README says of them.</summary>
[Collection(nameof(CommandLine))]
public sealed class CommittedFindingsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_kept_numbers_are_whole_and_the_readme_has_their_table()
    {
        (int code, string output, string error) = CommandLine.Call(
            ["reproduce", "--check", "--markdown", "--experiments", Path.Combine(Sources.Root, "experiments"), "-o", _folder.File("page.html")]);
        Assert.True(code == 0, error);
        string[] table = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
        Assert.True(table.Length > 2, output);
        string[] readme = File.ReadAllLines(Path.Combine(Sources.Root, "README.md"));
        Assert.All(table, line => Assert.Contains(line, readme));
    }
}
