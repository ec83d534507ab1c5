using TorchSharp;

namespace NextStep.Research;

/// <summary>Pictures and captions of one training step. The holder disposes.</summary>
/// <param name="Pixels">float32 [n, 3, size, size] in [−1, 1].</param>
/// <param name="Captions">One per picture.</param>
/// <param name="Ids">One per picture.</param>
public sealed record CaptionedBatch(torch.Tensor Pixels, string[] Captions, string[] Ids) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Pixels.Dispose();
}

/// <summary>Which pictures a step sees, and how they are loaded.</summary>
public static class Batches
{
    [ThreadStatic]
    private static EpochOrder? _last;

    /// <summary>
    /// The pictures of one step: position p = step·batchSize + i of the permutations of all epochs laid end to end.
    /// Every picture is seen once per epoch; a batch may span two epochs. A pure function of its arguments.
    /// </summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">Name of the random stream, for instance <c>data.order</c>.</param>
    /// <param name="step">0, 1, 2, …</param>
    /// <param name="batchSize">Pictures per step.</param>
    /// <param name="count">Pictures in the source.</param>
    public static int[] Indices(long seed, string stream, long step, int batchSize, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        int[] indices = new int[batchSize];
        for (int i = 0; i < batchSize; i++)
        {
            long position = checked((step * batchSize) + i);
            EpochOrder order = Order(seed, stream, position / count, count);
            indices[i] = order.Permutation[(int)(position % count)];
        }
        return indices;
    }

    /// <summary>Puts pictures of one size on top of each other: [n, 3, size, size].</summary>
    public static torch.Tensor Stack(IReadOnlyList<CaptionedImage> images)
    {
        ArgumentNullException.ThrowIfNull(images);
        return torch.stack(images.Select(i => i.Pixels).ToArray());
    }

    /// <summary>Loads pictures in parallel and stacks them.</summary>
    public static CaptionedBatch Load(IImageSource source, int[] indices)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(indices);
        CaptionedImage?[] images = new CaptionedImage?[indices.Length];
        try
        {
            // Dispose scopes belong to a thread: what other threads make does not join the caller's, so it is disposed below.
            Parallel.For(0, indices.Length, i => images[i] = source.Load(indices[i]));
            CaptionedImage[] all = [.. images.Select(i => i!)];
            return new CaptionedBatch(Stack(all), [.. all.Select(i => i.Caption)], [.. all.Select(i => i.Id)]);
        }
        catch (AggregateException e) when (e.InnerExceptions.Count > 0)
        {
            throw new InvalidDataException(e.InnerExceptions[0].Message, e.InnerExceptions[0]);
        }
        finally
        {
            foreach (CaptionedImage? image in images)
            {
                image?.Dispose();
            }
        }
    }

    private static EpochOrder Order(long seed, string stream, long epoch, int count)
    {
        if (_last is { } last && last.Seed == seed && last.Stream == stream && last.Epoch == epoch && last.Permutation.Length == count)
        {
            return last;
        }
        return _last = new EpochOrder(seed, stream, epoch, Streams.Managed(seed, stream, epoch).Permutation(count));
    }

    private sealed record EpochOrder(long Seed, string Stream, long Epoch, int[] Permutation);
}
