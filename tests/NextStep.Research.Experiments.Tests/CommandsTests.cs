using NextStep.Research.Cli;

namespace NextStep.Research.Experiments.Tests;

public sealed class CommandsTests
{
    [Fact]
    public void Every_command_has_the_name_it_is_found_by() =>
        Assert.Equal(Commands.All.Select(c => c.Name), Commands.All.Select(c => c.Create().Name));

    /// <summary>Help lists all, and so does what stands beside a mistyped name.</summary>
    [Fact]
    public void Only_a_command_line_that_begins_with_a_command_gets_that_one_alone()
    {
        Assert.Equal(["plan"], Commands.For(["plan", "sweep"]).Select(c => c.Name));
        foreach (string[] other in (string[][])[[], ["--help"], ["--trust", "plan"], ["--uses", "plan", "sweep"], ["plam"], ["Plan"]])
        {
            Assert.Equal(Commands.All.Count, Commands.For(other).Count());
        }
    }
}
