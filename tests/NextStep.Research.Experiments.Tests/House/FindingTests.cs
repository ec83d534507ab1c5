using System.Text.RegularExpressions;

namespace NextStep.Research.Experiments.Tests;

/// <summary>What findings/ shows to be wrong in a library, and this kit does without, is used nowhere.</summary>
public sealed partial class FindingTests
{
    [Fact]
    public void No_source_uses_what_a_finding_warns_of()
    {
        string[] uses = [.. Sources.Files("src").SelectMany(f => File.ReadLines(f).Select((line, i) => (Place: $"{Path.GetRelativePath(Sources.Root, f)}:{i + 1}", line)))
            .Where(l => Warned().IsMatch(l.line)).Select(l => $"{l.Place} {l.line.Trim()}")];
        Assert.True(uses.Length == 0, string.Join('\n', uses));
    }

    [Theory]
    [InlineData("x.sum(0)", true)] // everything is summed
    [InlineData("x.prod(0, keepdim: true)", true)]
    [InlineData("x.sum([0])", false)]
    [InlineData("x.sum(1)", false)]
    [InlineData("torch.distributions.Weibull(a, b)", true)]
    [InlineData("optim.lr_scheduler.CyclicLR(optimizer)", true)]
    public void They_are_known_when_seen(string line, bool warned) => Assert.Equal(warned, Warned().IsMatch(line));

    [GeneratedRegex(@"\.(sum|prod)\(0[,)]|\bdistributions\.\w|\blr_scheduler\.\w")]
    private static partial Regex Warned();
}
