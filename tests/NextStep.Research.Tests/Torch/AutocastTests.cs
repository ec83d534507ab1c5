using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Torch;

public sealed class AutocastTests
{
    [Fact]
    public void Regions_nest_and_the_end_of_the_inner_one_brings_the_outer_one_back()
    {
        Tensor x = ones(4, 4), weight = ones(4, 4);
        Assert.Equal(ScalarType.Float32, Product());
        using (Autocast.For(Precision.BFloat16, CPU))
        {
            Assert.Equal(ScalarType.BFloat16, Product());
            using (Autocast.For(Precision.Float32, CPU))
            {
                Assert.Equal(ScalarType.Float32, Product());
                Assert.Equal(Precision.Float32, Autocast.Current?.Precision);
            }
            Assert.Equal(ScalarType.BFloat16, Product());
            using (Autocast.For(Precision.BFloat16, CPU))
            {
                Assert.Equal(ScalarType.BFloat16, Product());
            }
            Assert.Equal(ScalarType.BFloat16, Product());
            Assert.Equal(Precision.BFloat16, Autocast.Current?.Precision);
        }
        Assert.Equal(ScalarType.Float32, Product());
        Assert.Null(Autocast.Current);

        ScalarType Product() => x.mm(weight).dtype;
    }

    [Fact]
    public void Float32_outside_of_any_region_is_no_region() => Assert.Null(Autocast.For(Precision.Float32, CPU));
}
