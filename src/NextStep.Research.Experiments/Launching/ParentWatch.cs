namespace NextStep.Research.Experiments;

/// <summary>The worker's side of <see cref="WorkerPool"/>: told by the end of standard input that the process that started it is gone.</summary>
internal static class ParentWatch
{
    /// <summary>Signalled when standard input ends.</summary>
    public static CancellationToken Gone()
    {
        CancellationTokenSource gone = new();
        Thread watch = new(() =>
        {
            using Stream input = Console.OpenStandardInput();
            byte[] nothing = new byte[64];
            while (input.Read(nothing) > 0)
            {
            }
            gone.Cancel();
        })
        { IsBackground = true, Name = "parent watch" };
        watch.Start();
        return gone.Token;
    }
}
