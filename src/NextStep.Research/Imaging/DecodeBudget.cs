namespace NextStep.Research;

/// <summary>Keeps the decoded pictures of all threads within a bound: a picture waits for room, and one that is larger than all goes alone.</summary>
internal static class DecodeBudget
{
    /// <summary>Bytes of decoded pictures at a time.</summary>
    public const long Bytes = 384L << 20;

    private static readonly object Gate = new();
    private static long _used;

    /// <summary>Waits for room. The holder disposes, and takes no second room meanwhile.</summary>
    public static Room Take(long bytes)
    {
        lock (Gate)
        {
            while (_used > 0 && _used + bytes > Bytes)
            {
                Monitor.Wait(Gate);
            }
            _used += bytes;
        }
        return new Room(bytes);
    }

    /// <summary>Taken room.</summary>
    public sealed class Room(long bytes) : IDisposable
    {
        private long _bytes = bytes;

        /// <inheritdoc/>
        public void Dispose()
        {
            lock (Gate)
            {
                _used -= _bytes;
                _bytes = 0;
                Monitor.PulseAll(Gate);
            }
        }
    }
}
