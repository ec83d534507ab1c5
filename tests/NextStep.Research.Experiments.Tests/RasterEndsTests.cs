using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments.Tests;

public sealed class RasterEndsTests
{
    [Theory]
    [InlineData(new double[] { 1, 3, 9, 9, 9, 9, 4, 8 }, 2, 6)]
    [InlineData(new double[] { 5, 7, 2 }, 5, 2)]
    [InlineData(new double[] { 5 }, 5, 5)]
    [InlineData(new double[] { 1, 9, 9, 9, 9, 9, 3 }, 1, 3)]
    public void The_ends_are_means_over_a_quarter_of_the_tokens(double[] byToken, double early, double late)
    {
        Assert.Equal(new RasterEnds(early, late), RasterEnds.Of(byToken));
        Assert.Equal(late - early, RasterEnds.Of(byToken).Rise);
    }

    [Fact]
    public void No_tokens_have_no_ends() => Assert.Throws<ArgumentException>(() => RasterEnds.Of([]));

    [Fact]
    public void The_loss_of_a_position_is_its_mean_over_pictures_and_repeats()
    {
        HeadLossCurves losses = new(4, new TokenSteps());
        losses.Add(TokenLoss.Of(tensor(new float[] { 1, 5, 5, 2, 3, 5, 5, 4 })));
        losses.Add(TokenLoss.Of(tensor(new float[] { 5, 5, 5, 9 })));
        IReadOnlyDictionary<string, Curve> curves = losses.Curves("flow.loss");
        Assert.Equal([3, 5, 5, 5], curves["flow.loss.byPosition"].Lines.Single().Value);
        Assert.Equal([new("flow.loss.early", 3), new("flow.loss.late", 5)], RasterEnds.OfLosses(curves));
    }

    [Fact]
    public void Tokens_that_are_drawn_jointly_have_one_loss_and_separate_ones_each_their_own()
    {
        HeadLossCurves joint = new(4, new TokenSteps { Tokens = 2 }), separate = new(4, new TokenSteps { Tokens = 2, Within = WithinAStep.Separate });
        joint.Add(TokenLoss.Of(tensor(new float[] { 1, 5, 3, 7 })));
        separate.Add(TokenLoss.Of(tensor(new float[] { 1, 5, 3, 7 })));
        Curve together = joint.Curves("flow.loss")["flow.loss.byPosition"];
        Assert.Equal([2, 6], together.Lines.Single().Value);
        Assert.Equal("place in the order of drawing", together.XTitle);
        Assert.Equal([1, 5, 3, 7], separate.Curves("flow.loss")["flow.loss.byPosition"].Lines.Single().Value);
    }

    [Fact]
    public void Noise_in_the_last_rows_of_a_picture_is_a_drift_of_the_noise()
    {
        TokenGrid grid = new(8, 4);
        Tensor real = DeadLeaves.Draw(4, 32, 1), drawn = real.clone(), noisy = Planting.Apply(real, PlantedArtifact.GlobalNoise, grid, 0.1, 1);
        drawn.narrow(2, 24, 8).copy_(noisy.narrow(2, 24, 8));
        Assert.InRange(Drift(drawn), 0.02, 0.2);
        Assert.InRange(Drift(noisy), -0.015, 0.015);
        Assert.Equal(0, Drift(real));

        double Drift(Tensor pictures)
        {
            using Measurements all = new();
            PictureMeasures.AddArtifacts(all, pictures, real, grid, null, 0);
            all.Run();
            return all.Numbers["artifacts.noiseLocal.drift"];
        }
    }
}
