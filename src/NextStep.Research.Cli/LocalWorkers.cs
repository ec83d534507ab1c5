using System.Diagnostics;

namespace NextStep.Research.Cli;

/// <summary>
/// Further processes of the same sweep on this machine. They find their cells through the claims in the run folder, and end when
/// this process does, however it ends: their standard input is a pipe that closes then.
/// </summary>
internal sealed class LocalWorkers : IDisposable
{
    private readonly List<Process> _processes = [];

    /// <summary>Starts <paramref name="count"/> processes with the arguments of this one.</summary>
    public LocalWorkers(int count, IReadOnlyList<string> arguments)
    {
        for (int i = 0; i < count; i++)
        {
            ProcessStartInfo start = new() { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            if (Environment.ProcessPath is { } own && Path.GetFileNameWithoutExtension(own) == "nextstep")
            {
                start.FileName = own;
            }
            else
            {
                start.FileName = "dotnet";
                start.ArgumentList.Add(typeof(LocalWorkers).Assembly.Location);
            }
            foreach (string argument in arguments.Append("--worker"))
            {
                start.ArgumentList.Add(argument);
            }
            Process process = Process.Start(start) ?? throw new InvalidOperationException("A worker process could not be started.");
            // What a worker has to say stands in the run folder: progress.json, failure.json, result.json.
            process.OutputDataReceived += (_, _) => { };
            process.ErrorDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            _processes.Add(process);
        }
    }

    /// <summary>A worker stops when the process that started it is gone.</summary>
    public static CancellationToken ParentGone()
    {
        CancellationTokenSource gone = new();
        Thread watch = new(() =>
        {
            while (Console.In.Read() >= 0)
            {
            }
            gone.Cancel();
        })
        { IsBackground = true };
        watch.Start();
        return gone.Token;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            process.StandardInput.Close();
            if (!process.WaitForExit(TimeSpan.FromSeconds(30)))
            {
                process.Kill(true);
            }
            process.Dispose();
        }
    }
}
