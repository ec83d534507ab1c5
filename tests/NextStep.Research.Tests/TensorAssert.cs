using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Exact comparison of tensors.</summary>
internal static class TensorAssert
{
    public static void Same(Tensor expected, Tensor actual, string? name = null)
    {
        using var guard = no_grad();
        Assert.Equal(expected.dtype, actual.dtype);
        Assert.Equal(expected.shape, actual.shape);
        using var equal = expected.eq(actual);
        using var all = equal.all();
        Assert.True(TorchSharp.TensorExtensionMethods.ToBoolean(all), name);
    }
}
