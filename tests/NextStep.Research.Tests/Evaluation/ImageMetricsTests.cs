using TorchSharp;

namespace NextStep.Research.Tests;

public sealed class ImageMetricsTests : IDisposable
{
    // What is made on the way in an expression lives until the test ends: the collector may not free it during a native call.
    private readonly TorchSharp.DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Equal_pictures_are_perfect()
    {
        using torch.Tensor a = Noise(2, 16);
        Assert.Equal(double.PositiveInfinity, ImageMetrics.Psnr(a, a));
        Assert.Equal(1, ImageMetrics.Ssim(a, a), 12);
    }

    [Fact]
    public void Psnr_of_one_grey_level_is_48_13_dB()
    {
        using torch.Tensor a = torch.zeros(1, 3, 12, 12).add_(1f / 255f);
        using torch.Tensor b = torch.zeros(1, 3, 12, 12).sub_(1f / 255f);
        Assert.Equal(20 * Math.Log10(255), ImageMetrics.Psnr(a, b), 6);
    }

    [Fact]
    public void Psnr_is_the_mean_over_pictures()
    {
        using torch.Tensor a = torch.zeros(2, 3, 12, 12);
        using torch.Tensor b = a.clone();
        b[0].add_(0.2f);
        b[1].add_(0.4f);
        double[] each = ImageMetrics.PsnrPerImage(b, a);
        Assert.Equal((each[0] + each[1]) / 2, ImageMetrics.Psnr(b, a), 10);
        Assert.True(each[0] > each[1]);
    }

    [Fact]
    public void Ssim_of_constants_follows_the_formula()
    {
        using torch.Tensor a = torch.full([1, 3, 11, 11], -1f);
        using torch.Tensor b = torch.full([1, 3, 11, 11], 1f);
        Assert.Equal(1e-4 / 1.0001, ImageMetrics.Ssim(a, b), 9);
    }

    [Fact]
    public void Ssim_falls_with_noise_and_refuses_small_pictures()
    {
        using torch.Tensor a = Noise(1, 32);
        using torch.Tensor small = Noise(9, 32).mul_(0.1f).add_(a);
        using torch.Tensor large = Noise(9, 32).mul_(0.5f).add_(a);
        Assert.True(ImageMetrics.Ssim(small, a) > ImageMetrics.Ssim(large, a));
        using torch.Tensor tiny = torch.zeros(1, 3, 8, 8);
        Assert.Throws<ArgumentException>(() => ImageMetrics.Ssim(tiny, tiny));
        Assert.Throws<ArgumentException>(() => ImageMetrics.Psnr(tiny, a));
    }

    [Fact]
    public void Multi_scale_similarity_is_named_after_the_scales_that_fit()
    {
        Assert.Equal((0, 1, 2, 3, 5), (MultiScaleSimilarity.Scales(10, 64), MultiScaleSimilarity.Scales(16, 16), MultiScaleSimilarity.Scales(32, 40), MultiScaleSimilarity.Scales(64, 64), MultiScaleSimilarity.Scales(176, 176)));
        Assert.Equal(("MS-SSIM-2", "MS-SSIM"), (MultiScaleSimilarity.Name(2), MultiScaleSimilarity.Name(5)));
        using torch.Tensor a = DeadLeaves.Draw(2, 32, 1), b = Planting.Apply(a, PlantedArtifact.GlobalNoise, new TokenGrid(8, 4), 0.05, 1);
        Assert.Equal(1, MultiScaleSimilarity.Measure(a, a), 12);
        Assert.InRange(MultiScaleSimilarity.Measure(b, a), 0.5, 0.999);
        // With one scale all that is left is SSIM, per picture and channel.
        using torch.Tensor small = DeadLeaves.Draw(1, 16, 2), other = Planting.Apply(small, PlantedArtifact.GlobalNoise, new TokenGrid(8, 4), 0.05, 1);
        Assert.Equal(ImageMetrics.Ssim(other, small), MultiScaleSimilarity.Measure(other, small), 9);
    }

    [Fact]
    public void Wilson_interval_matches_the_published_formula()
    {
        // 8 of 10: 0.4902 to 0.9433.
        Proportion p = new(8, 10);
        Assert.Equal(0.4902, p.Low, 4);
        Assert.Equal(0.9433, p.High, 4);
        Assert.Equal((0.0, 1.0), (new Proportion(0, 0).Low, new Proportion(0, 0).High));
        Assert.Equal(0, new Proportion(0, 5).Low, 12);
    }

    [Fact]
    public void Alignment_averages_skills_and_counts_reasons()
    {
        SceneObject circle = new(ShapeKind.Circle, ShapeColor.Red, 0.3, 0.3, 0.2);
        using torch.Tensor one = SignedDistanceRenderer.Render(new ShapeScene(SceneBackground.White, [circle]), 32);
        using torch.Tensor pictures = torch.stack([one, one, one]);
        AlignmentReport report = Alignment.Measure(pictures, ["a red circle", "a blue circle", "a circle"]);
        Assert.Equal(0.75, report.Overall, 12);
        Assert.Equal(new Proportion(2, 3), report.Images);
        Assert.Equal(1, report.Reasons["wrong color"]);
        Assert.Equal(["single", "colors"], report.Skills.Select(s => s.Skill));
    }

    [Fact]
    public void Ceiling_is_near_one_for_renders_and_zero_for_blanks()
    {
        Assert.True(Alignment.Ceiling([], 10, 32, 1).Overall >= 0.97);
        Assert.Equal(0, Alignment.Ceiling(["colors"], 5, 32, 1, p => torch.ones_like(p)).Overall);
    }

    private static torch.Tensor Noise(int seed, int size)
    {
        using torch.Generator random = Streams.For(seed, "test.metrics");
        return torch.rand([1, 3, size, size], generator: random).mul_(2).sub_(1);
    }
}
