using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipes;
using System.Text.Json.Nodes;

namespace NextStep.Research.Notebooks;

/// <summary>Watches the process in which the cells of one notebook run. Only its last message counts as the end.</summary>
internal sealed class RunningCells(NotebookDocument notebook, NotebookRunOptions options)
{
    /// <summary>The problem of a notebook that was stopped from outside.</summary>
    public const string Stopped = "stopped";

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentQueue<string> _words = new();
    private readonly Stopwatch _clock = new();
    private int _current = -1;
    private bool _ended;

    /// <summary>One per cell; null where a cell did not come to its end.</summary>
    public JsonArray?[] Outputs { get; } = new JsonArray?[notebook.Cells.Count];

    /// <summary>Cells that did what they should.</summary>
    public int Passed { get; private set; }

    /// <summary>Live tensors that the notebook's variables held at its end, by variable; null when it did not come to its end.</summary>
    public IReadOnlyDictionary<string, int>? TensorsLeft { get; private set; }

    /// <summary>Returns what went wrong, or null.</summary>
    public string? Run(CancellationToken cancellation)
    {
        using AnonymousPipeServerStream pipe = new(PipeDirection.In, HandleInheritability.Inheritable);
        using Process process = Start(pipe.GetClientHandleAsString());
        pipe.DisposeLocalCopyOfClientHandle();
        using BlockingCollection<JsonObject> messages = [];
        Thread reader = new(() => Receive(pipe, messages)) { IsBackground = true };
        reader.Start();
        _clock.Start();
        try
        {
            return Watch(process, messages, cancellation);
        }
        finally
        {
            End(process);
        }
    }

    private string? Watch(Process process, BlockingCollection<JsonObject> messages, CancellationToken cancellation)
    {
        string? problem = null;
        Stopwatch? stopping = null, gone = null;
        while (!_ended)
        {
            if (messages.TryTake(out JsonObject? message, Tick))
            {
                problem ??= Take(message);
                continue;
            }
            // A process that the cells left behind may hold the pipe open, hence both questions.
            gone ??= process.HasExited ? Stopwatch.StartNew() : null;
            if (messages.IsCompleted || gone?.Elapsed > Grace)
            {
                break;
            }
            if (cancellation.IsCancellationRequested)
            {
                if (stopping is null)
                {
                    stopping = Stopwatch.StartNew();
                    process.StandardInput.WriteLine("stop");
                    process.StandardInput.Flush();
                }
                if (stopping.Elapsed > Grace)
                {
                    return Stopped;
                }
            }
            else if (_clock.Elapsed > (_current < 0 ? LongestStart : options.CellTimeout))
            {
                return _current < 0 ? $"{Place()}: no start within {LongestStart.TotalMinutes:0} minutes" : $"{Place()}: no end within {options.CellTimeout.TotalSeconds:0} s";
            }
        }
        return _ended ? problem : cancellation.IsCancellationRequested ? Stopped : problem ?? Died(process);
    }

    private string? Take(JsonObject message)
    {
        int cell = message["cell"]?.GetValue<int>() ?? -1;
        switch (message["kind"]?.GetValue<string>())
        {
            case "begin":
                _current = cell;
                _clock.Restart();
                options.Begin?.Invoke($"{notebook.Name}, cell {cell + 1} of {notebook.Cells.Count}");
                break;
            case "outputs":
                Outputs[cell] = (JsonArray)message["outputs"]!.DeepClone();
                break;
            case "done":
                string? error = message["error"]?.GetValue<string>();
                Passed += error is null ? 1 : 0;
                string seconds = string.Create(CultureInfo.InvariantCulture, $"{_clock.Elapsed.TotalSeconds:F1} s");
                options.Report?.Invoke($"{notebook.Name}, cell {cell + 1} of {notebook.Cells.Count}: {(error is null ? "passed" : "FAILED")}, {seconds}");
                _clock.Restart();
                return error;
            case "end":
                _ended = true;
                TensorsLeft = message["tensors"]?.AsObject().ToDictionary(p => p.Key, p => p.Value!.GetValue<int>());
                break;
        }
        return null;
    }

    private string Died(Process process)
    {
        process.WaitForExit(Grace);
        string how = process.HasExited ? $"exit code {process.ExitCode}" : "its pipe is closed";
        string said = string.Join('\n', _words.Where(w => !w.StartsWith("   at ", StringComparison.Ordinal)).TakeLast(12));
        return $"{Place()}: the process ended before the cell did ({how}): a crash, or Environment.Exit{(said.Length > 0 ? "\n" + said : "")}";
    }

    private string Place() => _current < 0 ? $"{notebook.Name}, before the first cell" : $"{notebook.Name}, cell {_current + 1}";

    // Heard line by line while it runs, and stopped when a cell takes too long.
    private Process Start(string handle)
    {
        ProcessStartInfo start = new(options.Host[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in options.Host.Skip(1).Concat([Path.GetFullPath(notebook.Path), "--pipe", handle]).Concat(options.Interactive ? ["--interactive"] : []))
        {
            start.ArgumentList.Add(argument);
        }
        Process process = Process.Start(start) ?? throw new InvalidOperationException($"{options.Host[0]} could not be started.");
        process.OutputDataReceived += (_, e) => Hear(e.Data);
        process.ErrorDataReceived += (_, e) => Hear(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Hear(string? line)
    {
        if (line is not null)
        {
            _words.Enqueue(line);
            while (_words.Count > 100 && _words.TryDequeue(out _))
            {
            }
        }
    }

    private static void Receive(Stream pipe, BlockingCollection<JsonObject> messages)
    {
        try
        {
            using StreamReader lines = new(pipe);
            while (lines.ReadLine() is { } line)
            {
                // A torn last line is a process that died while writing it: the end is missing, and that is what counts.
                if (line.EndsWith('}') && JsonNode.Parse(line) is JsonObject message)
                {
                    messages.Add(message);
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or System.Text.Json.JsonException or InvalidOperationException)
        {
            // The watcher has gone, or the line was torn.
        }
        finally
        {
            Complete(messages);
        }
    }

    private static void Complete(BlockingCollection<JsonObject> messages)
    {
        try
        {
            messages.CompleteAdding();
        }
        catch (ObjectDisposedException)
        {
            // The watcher has gone.
        }
    }

    private static void End(Process process)
    {
        process.WaitForExit(TimeSpan.FromSeconds(1));
        ProcessGroup.End(process);
    }
}
