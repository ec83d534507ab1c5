using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class ScalarsTests
{
    public static TheoryData<ScalarType> Dtypes => [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Int64, ScalarType.Byte];

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void Arithmetic_with_numbers_is_torchs_own_in_values_and_dtype(ScalarType dtype)
    {
        Tensor x = tensor(new float[] { 3, 0, 7, 250, 1 }).to_type(dtype), y = tensor(new float[] { 2, 9, 1, 4, 5 }).to_type(dtype);
        // Each Scalar of the expected values is a variable that is used afterwards, so that none is freed early.
        using Scalar half = 0.3, whole = 3, one = 1, two = 2;
        Same(x.add(y, one), x.Plus(y));
        Same(x.add(half, one), x.Plus(0.3));
        Same(x.add(whole, one), x.Plus(3));
        Same(x.sub(half), x.Minus(0.3));
        Same(x.sub(whole), x.Minus(3));
        Same(x.mul(half), x.Times(0.3));
        Same(x.mul(whole), x.Times(3));
        Same(x.div(half), x.Over(0.3));
        Same(x.div(whole), x.Over(3));
        Same(x.pow(two), x.Squared());
        Same(x.clone().add_(y, one), x.clone().PlusInPlace(y));
        Same(x.clone().add_(whole, one), x.clone().PlusInPlace(3));
        Same(x.clone().sub_(whole), x.clone().MinusInPlace(3));
        Same(x.clone().mul_(whole), x.clone().TimesInPlace(3));
        if (is_floating_point(x))
        {
            Same(x.clone().add_(half, one), x.clone().PlusInPlace(0.3));
            Same(x.clone().sub_(half), x.clone().MinusInPlace(0.3));
            Same(x.clone().mul_(half), x.clone().TimesInPlace(0.3));
            Same(x.clone().div_(half), x.clone().OverInPlace(0.3));
            Same(x.clone().div_(whole), x.clone().OverInPlace(3));
        }
    }

    [Fact]
    public void A_number_is_one_object_and_kinds_are_kept_apart()
    {
        Assert.Same(Scalars.Of(0.25), Scalars.Of(0.25f));
        Assert.Same(Scalars.Of(7L), Scalars.Of(7));
        Assert.Equal(ScalarType.Int64, Scalars.Of(2).Type);
        Assert.Equal(ScalarType.Float64, Scalars.Of(2.0).Type);
        Assert.NotSame(Scalars.Of(0.0), Scalars.Of(-0.0));
    }

    [Fact]
    public void More_numbers_than_are_kept_are_still_right()
    {
        Tensor sums = zeros(1, ScalarType.Float64), wholes = zeros(1, ScalarType.Int64);
        for (int i = 0; i < 6000; i++)
        {
            using DisposeScope step = NewDisposeScope();
            sums.PlusInPlace(i + 0.125);
            wholes.PlusInPlace(100_000 + i);
        }
        Assert.Equal((6000L * 5999 / 2) + (6000 * 0.125), sums.item<double>());
        Assert.Equal((6000L * 5999 / 2) + (6000 * 100_000L), wholes.item<long>());
    }

    [Fact]
    public void Ranges_are_whole_and_end_before_their_stop()
    {
        Assert.Equal([0, 1, 2], Scalars.Range(3).data<long>().ToArray());
        Assert.Equal([5, 3], Scalars.Range(5, 1, -2).data<long>().ToArray());
        Assert.Equal([2f, 3f], Scalars.Range(2, 4, dtype: ScalarType.Float32).data<float>().ToArray());
    }

    private static void Same(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.dtype, actual.dtype);
        Assert.True(expected.equal(actual).all().item<bool>(), $"{expected.cstr()} {actual.cstr()}");
    }
}
