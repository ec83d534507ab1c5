using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Medians along an axis, which TorchSharp lacks.</summary>
internal static class Medians
{
    /// <summary>The middle value along <paramref name="dimension"/>; of an even number the mean of both, so that a change of sign changes nothing else.</summary>
    public static Tensor Along(Tensor values, int dimension, bool keepdim = false)
    {
        using DisposeScope scope = NewDisposeScope();
        int count = (int)values.size(dimension);
        Tensor At(int rank) => values.kthvalue(rank, dimension, keepdim).Item1;
        return (count % 2 == 1 ? At((count + 1) / 2) : At(count / 2).Plus(At((count / 2) + 1)).Over(2)).MoveToOuterDisposeScope();
    }
}
