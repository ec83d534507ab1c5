using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class DiversityTests
{
    [Fact]
    public void It_is_the_mean_distance_of_two_pictures_of_a_group_and_nothing_between_groups()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = TinyModels.Normal("a", 3, 32, 32).clamp(-1, 1), b = TinyModels.Normal("b", 3, 32, 32).clamp(-1, 1), c = zeros(3, 32, 32);
        using RandomConvolutionNetwork network = new();
        double Distance(Tensor one, Tensor other)
        {
            Tensor features = network.Features(stack([one, other])).to_type(ScalarType.Float64);
            return (features[0] - features[1]).norm().item<double>();
        }
        Assert.Equal(0, DiversityMetric.WithinGroups(stack([a, a, a, b, b, b]), 3), 6); // alike within, unlike between
        double first = (Distance(a, b) + Distance(a, c) + Distance(b, c)) / 3, second = Distance(a, b) * 2 / 3;
        Assert.Equal((first + second) / 2, DiversityMetric.WithinGroups(stack([a, b, c, a, a, b]), 3), 4);
        Assert.Throws<ArgumentException>(() => DiversityMetric.WithinGroups(stack([a, b, c]), 2));
        Assert.Throws<ArgumentException>(() => DiversityMetric.WithinGroups(stack([a]), 1));
    }
}
