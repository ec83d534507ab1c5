using System.Globalization;
using TorchSharp;

namespace NextStep.Research.Tests;

/// <summary>Each detector rises with its own artifact and stays flat under the others.</summary>
public sealed class SelectivityTests
{
    [Theory]
    [InlineData(32, 8, 4)]
    [InlineData(64, 8, 4)]
    [InlineData(64, 16, 8)]
    public void The_diagonal_dominates_every_other_entry_threefold(int size, int token, int stride)
    {
        using torch.Tensor clean = DeadLeaves.Draw(48, size, 5);
        IReadOnlyList<SelectivityRow> rows = SelectivityStudy.Measure(clean, new TokenGrid(token, stride));
        foreach (SelectivityRow row in rows)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{row.Detector,-12} clean {row.Clean,8:F4}  {string.Join("  ", row.Response.Select(r => $"{r.Key} {row.Planted[r.Key]:F4} ({r.Value:F2})"))}"));
        }
        Assert.All(rows, row => Assert.All(row.Own, own => Assert.True(row.Planted[own] > row.Clean, $"{row.Detector} does not rise with {own}")));
        Assert.All(rows, row => Assert.True(row.Sensitivity > 1.5, $"{row.Detector} rises by {row.Sensitivity:F1} standard deviations of clean pictures only"));
        Assert.All(rows, row => Assert.True(row.Dominance >= 3, $"{row.Detector} dominates only {row.Dominance:F2} times"));
    }
}
