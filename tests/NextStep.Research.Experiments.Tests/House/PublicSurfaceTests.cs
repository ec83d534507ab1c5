using System.Reflection;
using System.Text.RegularExpressions;
using NextStep.Research.Notebooks;
using NextStep.Research.Reports;
using TorchSharp;

namespace NextStep.Research.Experiments.Tests;

/// <summary>Public is what a user needs: the list is read before it grows, and no name of it means two things in a notebook.</summary>
public sealed partial class PublicSurfaceTests
{
    private static readonly Assembly[] Ours = [typeof(ResearchConfig).Assembly, typeof(Experiment).Assembly, typeof(HtmlReport).Assembly, typeof(Notebook).Assembly];

    [Fact]
    public void The_public_surface_is_the_one_that_was_read() => Golden.Check("PublicSurface", PublicSurface.Of(Ours));

    [Fact]
    public void A_name_means_one_thing_in_a_notebook()
    {
        string setup = File.ReadAllText(Path.Combine(Sources.Root, "notebooks", "setup.csx"));
        HashSet<string> opened = [.. Using().Matches(setup).Select(m => m.Groups[1].Value), .. (string[])["System", "System.Collections.Generic", "System.Linq", "System.Text", "System.Threading.Tasks"]];
        Assert.Contains("NextStep.Research", opened);
        Assembly[] theirs = [typeof(object).Assembly, typeof(Enumerable).Assembly, typeof(torch).Assembly, typeof(Microsoft.Data.Analysis.DataFrame).Assembly, typeof(Console).Assembly];
        ILookup<string, string> others = theirs.SelectMany(a => a.GetExportedTypes())
            .Where(t => t.DeclaringType == typeof(torch) || (!t.IsNested && opened.Contains(t.Namespace ?? "")))
            .ToLookup(t => t.Name.Split('`')[0], t => t.FullName!);
        Type[] ours = [.. Ours.SelectMany(a => a.GetExportedTypes()).Where(t => !t.IsNested)];
        Assert.Equal([], ours.Where(t => others.Contains(t.Name)).Select(t => $"{t.FullName} and {string.Join(", ", others[t.Name])}"));
        Assert.Equal([], ours.GroupBy(t => t.Name).Where(g => g.Count() > 1).Select(g => string.Join(" and ", g.Select(t => t.FullName))));
    }

    [GeneratedRegex(@"^using (?:static )?([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();
}
