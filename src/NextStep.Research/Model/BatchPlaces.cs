using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Where things stand in a training batch, found on the host while it is laid out: asking a GPU (<c>nonzero</c>) would wait for all that it has
/// still to do, several times a step.
/// </summary>
/// <param name="Slots">int64, places of image tokens in the flattened ids, ascending.</param>
/// <param name="Image">int64, places of the states that predict an image token in the flattened states, [batch·(positions − 1)].</param>
/// <param name="Predicted">int64, places of the states that predict a label there.</param>
/// <param name="Lengths">Of each row without its padding on the right, at least 1.</param>
public sealed record BatchPlaces(Tensor Slots, Tensor Image, Tensor Predicted, IReadOnlyList<int> Lengths) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Slots.Dispose();
        Image.Dispose();
        Predicted.Dispose();
    }

    /// <summary>Of ids and labels, [batch, positions] row by row; the tensors join the current dispose scope.</summary>
    /// <param name="ids">Ids.</param>
    /// <param name="labels">Labels, <see cref="SequenceLayout.Ignored"/> where nothing is predicted.</param>
    /// <param name="rows">Batch.</param>
    /// <param name="special">Of the tokenizer.</param>
    /// <param name="device">Where the tensors go.</param>
    public static BatchPlaces Of(ReadOnlySpan<long> ids, ReadOnlySpan<long> labels, int rows, SpecialTokens special, Device device)
    {
        List<long> slots = [], image = [], predicted = [];
        int length = ids.Length / rows;
        int[] lengths = new int[rows];
        Array.Fill(lengths, 1);
        for (int i = 0; i < ids.Length; i++)
        {
            (int row, int column) = Math.DivRem(i, length);
            bool isImage = ids[i] == special.ImagePlaceholder;
            lengths[row] = ids[i] == special.Pad ? lengths[row] : column + 1;
            if (isImage)
            {
                slots.Add(i);
            }
            if (column > 0 && (isImage || labels[i] != SequenceLayout.Ignored))
            {
                (isImage ? image : predicted).Add((row * (length - 1L)) + column - 1);
            }
        }
        return new BatchPlaces(Send(slots), Send(image), Send(predicted), lengths);

        Tensor Send(List<long> places)
        {
            using DisposeScope scope = NewDisposeScope();
            return Devices.Send(tensor([.. places], dtype: ScalarType.Int64), device).MoveToOuterDisposeScope();
        }
    }

    /// <summary>Of a batch that somebody else laid out: read back from its device, once each.</summary>
    public static BatchPlaces Of(Tensor ids, Tensor labels, SpecialTokens special)
    {
        using DisposeScope scope = NewDisposeScope();
        BatchPlaces places = Of(ids.cpu().contiguous().data<long>().ToArray(), labels.cpu().contiguous().data<long>().ToArray(), (int)ids.size(0), special, ids.device);
        return places with { Slots = places.Slots.MoveToOuterDisposeScope(), Image = places.Image.MoveToOuterDisposeScope(), Predicted = places.Predicted.MoveToOuterDisposeScope() };
    }
}
