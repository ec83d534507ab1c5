using System.Diagnostics;

namespace NextStep.Research.Experiments;

/// <summary>
/// A worker process of this machine. It ends when this process does, however that ends: its standard input is a pipe that closes then.
/// </summary>
internal sealed class LocalWorker : IDisposable
{
    private static readonly TimeSpan StoppingTakes = TimeSpan.FromSeconds(60);
    private readonly Process _process;

    /// <summary>Wraps a started process; what it writes to standard error goes to <paramref name="tell"/>.</summary>
    public LocalWorker(int number, Process process, Action<string> tell)
    {
        Number = number;
        _process = process;
        Id = process.Id;
        process.OutputDataReceived += (_, _) => { }; // what it does stands in the run folder
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { Length: > 0 } text)
            {
                LastError = char.IsWhiteSpace(text[0]) ? LastError : text; // not the lines of a stack trace
                tell(text);
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>From 1.</summary>
    public int Number { get; }

    /// <summary>The process id.</summary>
    public int Id { get; }

    /// <summary>The last line on its standard error.</summary>
    public string LastError { get; private set; } = "it said nothing";

    public bool HasEnded => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>Asks all to stop at the next step, waits for their checkpoints, and kills those that do not come to an end.</summary>
    public static void Stop(IReadOnlyList<LocalWorker> workers)
    {
        foreach (LocalWorker worker in workers)
        {
            worker._process.StandardInput.Close();
        }
        Stopwatch clock = Stopwatch.StartNew();
        foreach (LocalWorker worker in workers)
        {
            TimeSpan left = StoppingTakes - clock.Elapsed;
            if (!worker._process.WaitForExit(left > TimeSpan.Zero ? left : TimeSpan.Zero))
            {
                worker._process.Kill(true);
            }
            worker.Dispose();
        }
    }

    /// <summary>SIGKILL, with all that it started; false when it had ended by itself.</summary>
    public bool Kill()
    {
        _process.Kill(true);
        _process.WaitForExit();
        return _process.ExitCode != 0;
    }

    public void Dispose() => _process.Dispose();
}
