using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Medians along an axis, which TorchSharp lacks.</summary>
internal static class Medians
{
    /// <summary>The middle value along <paramref name="dimension"/> (of an even number the lower of the two), as in torch.</summary>
    public static Tensor Along(Tensor values, int dimension, bool keepdim = false)
    {
        (Tensor middle, Tensor places) = values.kthvalue((int)((values.size(dimension) + 1) / 2), dimension, keepdim);
        places.Dispose();
        return middle;
    }
}
