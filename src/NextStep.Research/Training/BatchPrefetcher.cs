namespace NextStep.Research;

/// <summary>Prepares the next step's pictures on another thread while this step computes. What a step gets depends on (seed, step) alone.</summary>
internal sealed class BatchPrefetcher(IImageSource source, long seed, string stream, int batchSize) : IDisposable
{
    private (long Step, Task<CaptionedBatch> Batch)? _next;

    /// <summary>The batch of <paramref name="step"/>; the caller disposes it.</summary>
    public CaptionedBatch Get(long step)
    {
        Task<CaptionedBatch> current = _next is { } ready && ready.Step == step ? ready.Batch : Start(step);
        if (_next is { } stale && stale.Step != step)
        {
            Forget(stale.Batch);
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
            Forget(pending.Batch);
        }
    }

    // A batch that nobody will see: waited for, since it reads the source, but its failure is nobody's, least of all in place of the one that ended the training.
    private static void Forget(Task<CaptionedBatch> batch) => batch.ContinueWith(
        t =>
        {
            if (t.IsCompletedSuccessfully)
            {
                t.Result.Dispose();
            }
            else
            {
                _ = t.Exception; // seen
            }
        },
        CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).Wait();

    private Task<CaptionedBatch> Start(long step) =>
        Task.Run(() => Batches.Load(source, Batches.Indices(seed, stream, step, batchSize, source.Count)));
}
