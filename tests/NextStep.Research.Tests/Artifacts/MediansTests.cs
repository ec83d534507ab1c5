using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class MediansTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(7, 1)]
    [InlineData(64, 2)]
    [InlineData(257, 3)]
    [InlineData(4096, 4)]
    public void They_are_those_of_the_ranks_with_ties_and_without(int count, int seed)
    {
        using Generator random = Streams.For(seed, "medians");
        foreach (Tensor values in (Tensor[])[randn([3, count, 5], generator: random), randint(0, 4, [3, count, 5], generator: random).to_type(float32), zeros(3, count, 5), randn([3, count, 5], dtype: float64, generator: random)])
        {
            foreach (int dimension in (int[])[0, 1, 2])
            {
                Tensor Rank(long rank) => values.kthvalue(rank, dimension).Item1;
                long size = values.size(dimension);
                Tensor expected = size % 2 == 1 ? Rank((size + 1) / 2) : Rank(size / 2).Plus(Rank((size / 2) + 1)).Over(2), found = Medians.Along(values, dimension);
                Assert.True(expected.equal(found).all().item<bool>());
                Assert.Equal(values.dtype, found.dtype);
                Assert.Equal(expected.unsqueeze(dimension).shape, Medians.Along(values, dimension, true).shape);
            }
        }
    }

    [Theory]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(65537)]
    public void Of_many_values_they_are_the_same(int count)
    {
        using Generator random = Streams.For(count, "medians");
        Tensor normal = randn([count], generator: random);
        foreach (Tensor values in (Tensor[])[normal, normal.Plus(3), normal.Minus(3), normal.abs(), normal.Times(1e-3).Plus(1), randint(-1, 2, [count], generator: random).to_type(float32), zeros(count).neg()])
        {
            Tensor sorted = values.sort().Values;
            Tensor expected = count % 2 == 1 ? sorted[count / 2] : sorted[(count / 2) - 1].Plus(sorted[count / 2]).Over(2);
            Assert.Equal(expected.item<float>(), Medians.Along(values, 0).item<float>());
        }
    }

    [Theory]
    [InlineData(20, 31, 4)]
    [InlineData(9, 8, 3)]
    [InlineData(16, 16, 8)]
    public void Phases_are_those_of_the_cells_side_by_side(int height, int width, int period)
    {
        using Generator random = Streams.For(height, "phases");
        foreach (Tensor values in (Tensor[])[randn([2, 3, height, width], generator: random), randn([2, 3, width, height], dtype: float64, generator: random).transpose(2, 3)])
        {
            (long rows, long columns) = (height / period, width / period);
            Tensor cells = values.narrow(2, 0, rows * period).narrow(3, 0, columns * period)
                .reshape([2, 3, rows, period, columns, period]).permute(0, 1, 3, 5, 2, 4).reshape([2, 3, period, period, rows * columns]);
            Tensor found = Medians.OfPhases(values, period);
            Assert.Equal([2, 3, period, period], found.shape);
            Assert.True(Medians.Along(cells, 4).equal(found).all().item<bool>());
        }
    }

    [Theory]
    [InlineData(3, 3)]
    [InlineData(8, 19)]
    [InlineData(40, 67)]
    public void A_stencil_gives_what_the_convolution_gives(int height, int width)
    {
        using Generator random = Streams.For(width, "stencil");
        foreach (float[] kernel in (float[][])[[1, -2, 1, -2, 4, -2, 1, -2, 1], [0, -0.25f, 0, -0.25f, 1, -0.25f, 0, -0.25f, 0], [1, 2, 4, 8, 16, 32, 64, 128, 256]])
        {
            Tensor pictures = rand([2, width, 3, height], generator: random).permute(0, 2, 3, 1);
            Tensor expected = nn.functional.conv2d(pictures, tensor(kernel, [1, 1, 3, 3]).expand(3, 1, 3, 3), groups: 3);
            Assert.Equal([2, 3, height - 2, width - 2], Stencil.Of(pictures, kernel).shape);
            Assert.True(allclose(expected, Stencil.Of(pictures, kernel), 1e-6, 1e-6));
        }
    }

    [Fact]
    public void What_detectors_share_is_what_each_computes_alone()
    {
        TokenGrid grid = new(8, 4);
        Tensor pictures = DeadLeaves.Draw(3, 64, 5), bytes = ImageFile.ToBytes(pictures).to_type(float32).OverInPlace(255);
        foreach (ArtifactMeasurement together in ArtifactSuite.Measure(pictures, grid, cancellation: TestContext.Current.CancellationToken))
        {
            using ArtifactReading alone = together.Detector.Read(bytes);
            Assert.Equal(alone.Value, together.Value);
            Assert.Equal(alone.PerPicture, together.PerPicture);
        }
    }

    [Fact]
    public void Flatness_by_rows_and_columns_is_that_of_squares()
    {
        Tensor pictures = ImageFile.ToBytes(DeadLeaves.Draw(2, 32, 9)).to_type(float32).OverInPlace(255);
        Tensor Square(Tensor x) => nn.functional.max_pool2d(x, 5, 1, 2);
        Tensor expected = Square(pictures).Plus(Square(pictures.neg())).amax([1]).le(Scalars.Of(4.5 / 255)).to_type(float32);
        using ArtifactReading found = new FlatRegions().Read(pictures);
        Assert.True(expected.equal(found.Map!).all().item<bool>());
        Assert.InRange(found.Value, 0.01, 0.99);
    }
}
