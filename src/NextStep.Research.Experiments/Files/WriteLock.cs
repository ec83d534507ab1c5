using System.Diagnostics;

namespace NextStep.Research.Experiments;

/// <summary>Lets one process at a time write what belongs to a whole run folder: its plan, a submission.</summary>
internal static class WriteLock
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    /// <summary>Waits until nobody else has it; dispose to give it back. A dead owner's is taken over.</summary>
    /// <exception cref="IOException">A living process has held it for longer than <paramref name="patience"/>.</exception>
    public static IDisposable Take(string file, TimeSpan patience)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (true)
        {
            if (Lease.TryTake(file, LeaseWatch.Shared) is { } mine)
            {
                return mine;
            }
            if (clock.Elapsed > patience)
            {
                throw new IOException($"{file} is held by {Lease.Describe(file)}; try again when it has ended");
            }
            Thread.Sleep(Poll);
        }
    }
}
