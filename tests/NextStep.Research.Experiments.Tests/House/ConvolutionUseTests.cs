namespace NextStep.Research.Experiments.Tests;

/// <summary>libtorch's convolutions are wrong for some channels and gradients (see <c>Convolution</c>): nobody calls them past the class that mends them.</summary>
public sealed class ConvolutionUseTests
{
    [Fact]
    public void Convolutions_go_through_the_one_class_that_is_right()
    {
        string[] calls = [.. new[] { typeof(ResearchConfig), typeof(Experiment), typeof(Reports.RunReader) }.SelectMany(t =>
        {
            using MethodCalls assembly = new(t.Assembly.Location);
            return assembly.All().Where(c => c.Callee.Contains("functional::conv2d(", StringComparison.Ordinal)).ToArray();
        }).Select(c => c.Caller.Split("::")[0]).Distinct()];
        Assert.Equal(["NextStep.Research.Convolution"], calls);
    }
}
