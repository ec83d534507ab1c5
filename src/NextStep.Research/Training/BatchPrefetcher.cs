namespace NextStep.Research;

/// <summary>Prepares the next step's pictures on another thread while this step computes. What a step gets depends on (seed, step) alone.</summary>
public sealed class BatchPrefetcher(IImageSource source, long seed, string stream, int batchSize) : IDisposable
{
    private (long Step, Task<CaptionedBatch> Batch)? _next;

    /// <summary>The batch of <paramref name="step"/>; the caller disposes it.</summary>
    public CaptionedBatch Get(long step)
    {
        Task<CaptionedBatch> current = _next is { } ready && ready.Step == step ? ready.Batch : Start(step);
        if (_next is { } stale && stale.Step != step)
        {
            stale.Batch.GetAwaiter().GetResult().Dispose();
        }
        _next = (step + 1, Start(step + 1));
        return current.GetAwaiter().GetResult();
    }

    /// <summary>The names of the pictures of <paramref name="step"/>, without loading them.</summary>
    public IReadOnlyList<string> Ids(long step) => [.. Batches.Indices(seed, stream, step, batchSize, source.Count).Select(source.Id)];

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_next is { } pending)
        {
            _next = null;
            pending.Batch.ContinueWith(t => t.Result.Dispose(), TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously).Wait();
        }
    }

    private Task<CaptionedBatch> Start(long step) =>
        Task.Run(() => Batches.Load(source, Batches.Indices(seed, stream, step, batchSize, source.Count)));
}
