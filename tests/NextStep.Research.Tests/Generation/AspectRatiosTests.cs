namespace NextStep.Research.Tests;

public sealed class AspectRatiosTests
{
    [Theory]
    [InlineData(1.0, 512, 512, 512)]
    [InlineData(9.0 / 16, 512, 384, 672)] // 12×21 tokens, doubled
    [InlineData(16.0 / 9, 256, 336, 192)]
    [InlineData(100, 256, 512, 128)]
    [InlineData(0.01, 512, 256, 1024)]
    public void The_nearest_trained_shape_is_taken(double ratio, int side, int height, int width) =>
        Assert.Equal((height, width), AspectRatios.Nearest(ratio, side, 16));

    [Fact]
    public void Both_sides_are_whole_tokens_and_the_area_is_that_of_the_square()
    {
        foreach ((int side, int pixels) in ((int, int)[])[(256, 16), (512, 16), (1024, 16), (64, 8), (32, 4)])
        {
            for (double ratio = 0.1; ratio < 10; ratio *= 1.1)
            {
                (int height, int width) = AspectRatios.Nearest(ratio, side, pixels);
                Assert.Equal((0, 0), (height % pixels, width % pixels));
                Assert.InRange((double)height * width / (side * side), 0.75, 1.25);
            }
        }
    }
}
