using System.Globalization;
using System.Text.RegularExpressions;

namespace NextStep.Research.Experiments.Tests;

/// <summary>What comments cite of the specification stands in it: <c>src/NextStep.Research/README.md</c>.</summary>
public sealed partial class SpecificationTests
{
    private static readonly string[] Folders = ["src", "tests", "experiments", "notebooks", "findings"];
    private static readonly string[] Kinds = [".cs", ".csx", ".md", ".yaml", ".ipynb", ".sh"];
    private static readonly string Text = File.ReadAllText(Path.Combine(Sources.Root, "src", "NextStep.Research", "README.md"));
    private static readonly HashSet<string> Sections = [.. Heading().Matches(Text).Select(m => m.Groups[1].Value)];

    [Fact]
    public void Every_reference_to_the_specification_resolves()
    {
        string[] cited = [.. Folders.SelectMany(f => Directory.EnumerateFiles(Path.Combine(Sources.Root, f), "*", SearchOption.AllDirectories))
            .Where(f => Kinds.Contains(Path.GetExtension(f)) && !f.Split(Path.DirectorySeparatorChar).Any(p => p is "obj" or "bin"))
            .Concat(Directory.EnumerateFiles(Sources.Root, "*.md")).AsParallel().SelectMany(Missing).Order(StringComparer.Ordinal)];
        Assert.Equal([], cited);
    }

    [Theory]
    [InlineData("(spec §3.4–3.6, §5)", "3.4 3.5 3.6 5")]
    [InlineData("Spec §3.5b: noise", "3.5b")]
    [InlineData("(spec §1–3).", "1 2 3")]
    [InlineData("(spec §A gives one)", "A")]
    [InlineData("of another paper, §3.2", "")]
    public void References_are_read_as_people_write_them(string comment, string sections) => Assert.Equal(sections, string.Join(' ', Cited(comment)));

    private static IEnumerable<string> Missing(string file)
    {
        string text = File.ReadAllText(file), name = Path.GetRelativePath(Sources.Root, file);
        IEnumerable<string> absent = Cited(text).Distinct().Where(s => !Sections.Contains(s)).Select(s => $"{name}: spec §{s}");
        string[] paper = [.. OfPaper().Matches(text).Select(m => m.Groups[1].Value).Distinct().Where(p => !Text.Contains(p + " ", StringComparison.Ordinal))];
        return file.EndsWith(nameof(SpecificationTests) + ".cs", StringComparison.Ordinal) ? [] : [.. absent, .. paper.Select(p => $"{name}: {p} of the paper")];
    }

    // A list has a § at each of its parts; a range stands for all between its ends.
    private static IEnumerable<string> Cited(string text) => Reference().Matches(text)
        .SelectMany(m => m.Groups[1].Value.Split(", ")).Select(p => p.TrimStart('§').TrimEnd('.')).SelectMany(Range);

    private static IEnumerable<string> Range(string part)
    {
        if (part.Split('–') is not [string first, string last])
        {
            return [part];
        }
        string chapter = first.Contains('.', StringComparison.Ordinal) ? first[..(first.IndexOf('.', StringComparison.Ordinal) + 1)] : "";
        int from = int.Parse(first[chapter.Length..], CultureInfo.InvariantCulture), to = int.Parse(last[chapter.Length..], CultureInfo.InvariantCulture);
        return Enumerable.Range(from, to - from + 1).Select(i => chapter + i.ToString(CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"\b[Ss]pec (§[0-9A-Z][0-9.]*[a-z]?(?:–[0-9.]+)?(?:, §[0-9A-Z][0-9.]*[a-z]?(?:–[0-9.]+)?)*)")]
    private static partial Regex Reference();

    [GeneratedRegex(@"^#{2,4} ([0-9A-Z][0-9.]*[a-z]?) ", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[Pp]aper(?:'s|,)? ((?:Eq\.|Table|Fig\.) \d+)")]
    private static partial Regex OfPaper();
}
