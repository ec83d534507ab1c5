using System.Text.Json;
using System.Text.Json.Nodes;

namespace NextStep.Research;

/// <summary>
/// <c>metrics.jsonl</c>: one flushed JSON object a line, with <c>stage</c>, <c>images</c> (the progress integer), the numbers and
/// <c>seconds</c>. The time is the only field that may differ between two runs of one configuration.
/// </summary>
internal sealed class MetricsLog : IDisposable
{
    private readonly string _stage;
    private readonly FileStream _file;
    private readonly StreamWriter _writer;
    private readonly System.Diagnostics.Stopwatch _clock = System.Diagnostics.Stopwatch.StartNew();
    private readonly double _secondsBefore;

    /// <summary>Opens the log to continue behind <paramref name="images"/>: later lines, and a torn last one, are dropped.</summary>
    /// <param name="path">The file.</param>
    /// <param name="stage">Written into every line.</param>
    /// <param name="images">Progress of the checkpoint that is continued.</param>
    /// <param name="checkpointLine">The line written just before that checkpoint, put back should the file have lost it.</param>
    public MetricsLog(string path, string stage, long images, string? checkpointLine = null)
    {
        _stage = stage;
        List<string> kept = [];
        if (File.Exists(path))
        {
            foreach (string line in File.ReadLines(path))
            {
                if (Parse(line) is not { } values || values.Images > images)
                {
                    break;
                }
                kept.Add(line);
                _secondsBefore = values.Seconds;
            }
        }
        if (checkpointLine is not null && (kept.Count == 0 || kept[^1] != checkpointLine))
        {
            kept.Add(checkpointLine);
            _secondsBefore = Parse(checkpointLine)?.Seconds ?? _secondsBefore;
        }
        LastLine = checkpointLine;
        AtomicFile.WriteText(path, string.Concat(kept.Select(l => l + "\n")));
        _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read);
        _writer = new StreamWriter(_file) { AutoFlush = true, NewLine = "\n" };
    }

    /// <summary>The newest line, as a checkpoint keeps it.</summary>
    public string? LastLine { get; private set; }

    /// <summary>Seconds of work so far, those before a resume included.</summary>
    public double Seconds => _secondsBefore + _clock.Elapsed.TotalSeconds;

    /// <summary>Writes one line.</summary>
    public void Write(long images, IReadOnlyDictionary<string, double> numbers)
    {
        JsonObject line = new() { ["stage"] = _stage, ["images"] = images };
        foreach ((string name, double value) in numbers)
        {
            line[name] = double.IsFinite(value) ? value : null;
        }
        line["seconds"] = Math.Round(Seconds, 3);
        LastLine = line.ToJsonString();
        _writer.WriteLine(LastLine);
    }

    /// <summary>Returns when all lines are on the disk.</summary>
    public void Flush() => _file.Flush(flushToDisk: true);

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

    private static (long Images, double Seconds)? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line) is JsonObject values && values["images"] is JsonValue images && values["seconds"] is JsonValue seconds
                && images.TryGetValue(out long seen) && seconds.TryGetValue(out double time) ? (seen, time) : null;
        }
        catch (JsonException)
        {
            return null; // a torn line: the process died while writing it, and what follows is written anew
        }
    }
}
