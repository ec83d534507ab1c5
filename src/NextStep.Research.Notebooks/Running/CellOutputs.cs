using System.Text;
using System.Text.Json.Nodes;
using Microsoft.DotNet.Interactive.Formatting;
using NextStep.Research.Reports;

namespace NextStep.Research.Notebooks;

/// <summary>What the cells of one notebook put out, in nbformat's terms. Safe to call from any thread.</summary>
internal sealed class CellOutputs(int cells)
{
    private const int LongestStream = 1 << 20;

    private readonly Lock _lock = new();
    private readonly JsonArray[] _outputs = [.. Enumerable.Range(0, cells).Select(_ => new JsonArray())];
    private readonly Dictionary<DisplayedValue, (int Cell, JsonObject Output)> _displayed = new(ReferenceEqualityComparer.Instance);
    private readonly SortedSet<int> _changed = [];
    private readonly StringBuilder _stream = new();
    private string _streamName = "";
    private int _cell;

    /// <summary>Later outputs belong to this cell.</summary>
    public void Begin(int cell)
    {
        lock (_lock)
        {
            CloseStream();
            _cell = cell;
            _changed.Add(cell);
        }
    }

    /// <summary>Text on <c>stdout</c> or <c>stderr</c>; neighbouring pieces become one.</summary>
    public void Write(string name, string text)
    {
        lock (_lock)
        {
            if (_streamName != name)
            {
                CloseStream();
                _streamName = name;
            }
            if (_stream.Length < LongestStream)
            {
                _stream.Append(text, 0, Math.Min(text.Length, LongestStream - _stream.Length));
                if (_stream.Length == LongestStream)
                {
                    _stream.Append("\n… cut after 1 MB\n");
                }
            }
        }
    }

    /// <summary>A value that <c>Display()</c> was called on, or its update.</summary>
    public void Display(DisplayedValue value)
    {
        lock (_lock)
        {
            if (_displayed.TryGetValue(value, out (int Cell, JsonObject Output) shown))
            {
                shown.Output["data"] = Data(value.FormattedValues);
                shown.Output["metadata"] = Metadata(value.FormattedValues);
                _changed.Add(shown.Cell);
                return;
            }
            CloseStream();
            JsonObject output = new() { ["data"] = Data(value.FormattedValues), ["metadata"] = Metadata(value.FormattedValues), ["output_type"] = "display_data" };
            _displayed[value] = (_cell, output);
            _outputs[_cell].Add(output);
        }
    }

    /// <summary>The value of a cell's last expression.</summary>
    public void Result(object value)
    {
        IReadOnlyList<FormattedValue> values = FormattedValue.CreateManyFromObject(value);
        Add(new JsonObject { ["data"] = Data(values), ["execution_count"] = null, ["metadata"] = Metadata(values), ["output_type"] = "execute_result" });
    }

    /// <summary>Markup that is neither a value nor text of a program.</summary>
    public void Markup(string mimeType, string text) => Add(new JsonObject
    {
        ["data"] = Data([new FormattedValue(mimeType, text)]),
        ["metadata"] = new JsonObject(),
        ["output_type"] = "display_data",
    });

    /// <summary>The error that ended a cell.</summary>
    public void Error(CellError error) => Add(error.ToOutput());

    /// <summary>Outputs of the cells that changed since the last call, copied.</summary>
    public IReadOnlyList<(int Cell, JsonArray Outputs)> TakeChanges()
    {
        lock (_lock)
        {
            CloseStream();
            (int, JsonArray)[] changes = [.. _changed.Select(c => (c, (JsonArray)_outputs[c].DeepClone()))];
            _changed.Clear();
            return changes;
        }
    }

    private void Add(JsonObject output)
    {
        lock (_lock)
        {
            CloseStream();
            _outputs[_cell].Add(output);
        }
    }

    private void CloseStream()
    {
        if (_stream.Length > 0)
        {
            _outputs[_cell].Add(new JsonObject { ["name"] = _streamName, ["output_type"] = "stream", ["text"] = NotebookWriter.Lines(_stream.ToString().ReplaceLineEndings("\n")) });
            _stream.Clear();
        }
    }

    private static JsonObject Data(IReadOnlyList<FormattedValue> values)
    {
        JsonObject data = [];
        foreach (FormattedValue value in values.DistinctBy(v => v.MimeType).OrderBy(v => v.MimeType, StringComparer.Ordinal))
        {
            data[value.MimeType] = value.MimeType switch
            {
                // nbformat wants JSON itself, not its text; pictures in base64 are one line.
                "application/json" => JsonNode.Parse(value.Value),
                ['i', 'm', 'a', 'g', 'e', '/', ..] and not "image/svg+xml" => value.Value,
                _ => NotebookWriter.Lines(value.Value.ReplaceLineEndings("\n")),
            };
        }
        return data;
    }

    // Pictures of a finer resolution than the screen's are shown at their size.
    private static JsonObject Metadata(IReadOnlyList<FormattedValue> values)
    {
        string picture = values.FirstOrDefault(v => v.MimeType == "image/png")?.Value ?? "";
        byte[] bytes = new byte[picture.Length];
        return Convert.TryFromBase64String(picture, bytes, out int count) && PngResolution.ScreenSize(bytes.AsSpan(0, count)) is var (width, height)
            ? new JsonObject { ["image/png"] = new JsonObject { ["height"] = height, ["width"] = width } }
            : [];
    }
}

/// <summary>A console that writes into <see cref="CellOutputs"/>.</summary>
internal sealed class CellConsole(CellOutputs outputs, string name) : TextWriter
{
    public override Encoding Encoding => Encoding.UTF8;

    public override string NewLine => "\n";

    public override void Write(char value) => outputs.Write(name, value.ToString());

    public override void Write(string? value) => outputs.Write(name, value ?? "");

    public override void Write(char[] buffer, int index, int count) => outputs.Write(name, new string(buffer, index, count));

    public override void WriteLine(string? value) => outputs.Write(name, value + "\n");
}
