using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class LatticeSurroundingsTests
{
    private const double Floor = 1e-10;

    // The definition, bin by bin: a harmonic of the spectrum over the median of all bins up to half way to the next ones, on the axes along the axis.
    [Theory]
    [InlineData(4, 16, 20)]
    [InlineData(8, 16, 40)]
    public void The_value_is_that_of_the_definition(int period, int height, int width)
    {
        using Generator random = Streams.For(3, "lattice");
        Tensor pictures = rand(1, 3, height, width, generator: random);
        using ArtifactReading reading = new LatticeDetector(period).Read(pictures);
        (int rows, int columns) = (height / period, width / period);
        double[,] power = Power(pictures, rows * period, columns * period);
        double best = 0;
        for (int i = 0; i < period; i++)
        {
            for (int j = 0; j < period; j++)
            {
                if (i + j > 0)
                {
                    best = Math.Max(best, (power[i * rows, j * columns] + Floor) / (Surroundings(power, i, j, rows, columns) + Floor));
                }
            }
        }
        Assert.Equal(10 * Math.Log10(best), reading.PerPicture[0], 0.001);
        Assert.Equal(reading.PerPicture[0], reading.Value, 0.001);
    }

    private static double Surroundings(double[,] power, int i, int j, int rows, int columns)
    {
        (int up, int across) = (i == 0 ? 0 : Math.Max(1, rows / 2), j == 0 ? 0 : Math.Max(1, columns / 2));
        List<double> near = [];
        for (int y = -up; y <= up; y++)
        {
            for (int x = -across; x <= across; x++)
            {
                if (x != 0 || y != 0)
                {
                    (int h, int w) = (power.GetLength(0), power.GetLength(1));
                    near.Add(power[((i * rows) + y + h) % h, ((j * columns) + x + w) % w]);
                }
            }
        }
        near.Sort();
        return (near[(near.Count - 1) / 2] + near[near.Count / 2]) / 2;
    }

    private static double[,] Power(Tensor pictures, int height, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor kernel = tensor(new float[] { 0, -0.25f, 0, -0.25f, 1, -0.25f, 0, -0.25f, 0 }, [1, 1, 3, 3]).expand(3, 1, 3, 3);
        Tensor residual = nn.functional.conv2d(nn.functional.pad(pictures, [1, 1, 1, 1], PaddingModes.Reflect), kernel, groups: 3).narrow(2, 0, height).narrow(3, 0, width);
        Tensor found = fft.fft2(residual).abs().square().mean([1])[0].to_type(float64);
        double[,] power = new double[height, width];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                power[y, x] = found[y, x].item<double>();
            }
        }
        return power;
    }
}
