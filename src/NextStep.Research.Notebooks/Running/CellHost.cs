using System.Diagnostics;
using System.Globalization;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Microsoft.DotNet.Interactive.Formatting;
using NextStep.Research.Reports;

namespace NextStep.Research.Notebooks;

/// <summary>
/// The process in which the cells of one notebook run. Console and formatters belong to a process, and cells may do anything to it,
/// so that there is one for each notebook; it reports through a pipe, one JSON object a line, and the last says that it came to the end.
/// </summary>
internal sealed class CellHost : IDisposable
{
    private const int DeepestImport = 10;

    private readonly NotebookDocument _notebook;
    private readonly StreamWriter _pipe;
    private readonly CellOutputs _outputs;
    private readonly CSharpSession _session;
    private readonly HashSet<string> _places = [];

    private CellHost(NotebookDocument notebook, Stream pipe)
    {
        _notebook = notebook;
        _pipe = new StreamWriter(pipe) { AutoFlush = true, NewLine = "\n" };
        _outputs = new CellOutputs(notebook.Cells.Count);
        _session = new CSharpSession(notebook.Folder);
    }

    /// <summary>Runs the cells of <paramref name="file"/> to the end or to the first that fails.</summary>
    /// <param name="file">The notebook.</param>
    /// <param name="pipe">Handle of the pipe to report through.</param>
    /// <param name="interactive">Charts come as scripts rather than as pictures.</param>
    public static async Task Run(string file, string pipe, bool interactive)
    {
        ProcessGroup.Lead();
        NotebookDocument notebook = NotebookReader.Read(file);
        using CellHost host = new(notebook, new AnonymousPipeClientStream(PipeDirection.Out, pipe));
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = true;
            Notebook.Stop();
        });
        WatchParent();
        Console.SetIn(TextReader.Null);
        Console.SetOut(new CellConsole(host._outputs, "stdout"));
        Console.SetError(new CellConsole(host._outputs, "stderr"));
        Environment.CurrentDirectory = notebook.Folder;
        Formatter.DefaultMimeType = "text/html";
        Formatter.SetPreferredMimeTypesFor(typeof(string), "text/plain");
        if (!interactive)
        {
            _ = Formatter.GetPreferredMimeTypesFor(typeof(Figure)); // its own preference comes first, so that the next line overrides it
            Formatter.SetPreferredMimeTypesFor(typeof(Figure), StaticChart.DrawsPng ? "image/png" : "image/svg+xml"); // nbconvert 6.5 empties an SVG
        }
        using IDisposable displays = Formatter.SubscribeToDisplayedValues(host._outputs.Display);
        await host.Cells();
    }

    public void Dispose() => _pipe.Dispose();

    private async Task Cells()
    {
        for (int i = 0; i < _notebook.Cells.Count; i++)
        {
            NotebookCell cell = _notebook.Cells[i];
            if (cell.Kind != CellKind.Code || cell.HasTag("skip-ci"))
            {
                continue;
            }
            Send(new JsonObject { ["kind"] = "begin", ["cell"] = i });
            _outputs.Begin(i);
            CellError? error = await Cell(cell, i);
            if (cell.HasTag("raises-exception"))
            {
                error = error is null ? new CellError("error", "the cell is tagged raises-exception and raised none", Place(i)) : null;
            }
            foreach ((int changed, JsonArray outputs) in _outputs.TakeChanges())
            {
                Send(new JsonObject { ["kind"] = "outputs", ["cell"] = changed, ["outputs"] = outputs });
            }
            Send(new JsonObject { ["kind"] = "done", ["cell"] = i, ["error"] = error?.ToString() });
            if (Notebook.IsStopping)
            {
                return; // and no end
            }
            if (error is not null)
            {
                break;
            }
        }
        Send(new JsonObject { ["kind"] = "end", ["tensors"] = TensorsLeft() });
    }

    private JsonObject TensorsLeft() => new(HeldTensors.Of(_session.Variables).Select(h => KeyValuePair.Create(h.Key, (JsonNode?)h.Value)));

    private async Task<CellError?> Cell(NotebookCell cell, int index)
    {
        try
        {
            await Parts(CellParts.Split(cell.Source, cell.Language), Place(index), 0);
            return null;
        }
        catch (Exception e)
        {
            CellError error = CellError.Of(e, _places, Place(index));
            _outputs.Error(error);
            return error;
        }
    }

    private async Task Parts(IReadOnlyList<CellPart> parts, string place, int depth)
    {
        Stopwatch? clock = null;
        foreach (CellPart part in parts)
        {
            switch (part)
            {
                case CellPart.CSharp code:
                    _places.Add(place);
                    object? value = await _session.Run(code.Text, place);
                    if (value is DisplayedValue)
                    {
                        throw new CellSyntaxException(code.Text.Count(c => c == '\n') + 1, "end Display() with a semicolon; as the cell's value its handle would be shown too");
                    }
                    if (value is not null)
                    {
                        _outputs.Result(value);
                    }
                    break;
                case CellPart.Markup markup:
                    _outputs.Markup(markup.MimeType, markup.Text);
                    break;
                case CellPart.Import import:
                    await Import(import, depth + 1);
                    break;
                case CellPart.Magic magic:
                    magic.Run();
                    break;
                case CellPart.Time:
                    clock = Stopwatch.StartNew();
                    break;
                case CellPart.About:
                    _outputs.Markup("text/plain", $"nextstep notebook run {typeof(CellHost).Assembly.GetName().Version}, .NET {Environment.Version}, C# of Roslyn {typeof(Microsoft.CodeAnalysis.Compilation).Assembly.GetName().Version}");
                    break;
            }
        }
        if (clock is not null)
        {
            _outputs.Markup("text/plain", string.Create(CultureInfo.InvariantCulture, $"Wall time: {clock.Elapsed.TotalMilliseconds:F1} ms"));
        }
    }

    private async Task Import(CellPart.Import import, int depth)
    {
        string path = Path.Combine(_notebook.Folder, import.Path);
        if (depth > DeepestImport)
        {
            throw new CellSyntaxException(import.Line, $"imports are nested more than {DeepestImport} deep; does {import.Path} import itself?");
        }
        NotebookDocument imported;
        try
        {
            imported = NotebookReader.Read(path);
        }
        catch (NotebookFileException e)
        {
            throw new CellSyntaxException(import.Line, e.Message.Replace(path, import.Path, StringComparison.Ordinal));
        }
        bool single = imported.Cells.Count == 1;
        for (int i = 0; i < imported.Cells.Count; i++)
        {
            NotebookCell cell = imported.Cells[i];
            if (cell.Kind == CellKind.Code)
            {
                await Parts(CellParts.Split(cell.Source, cell.Language), single ? imported.Name : $"{imported.Name}, cell {i + 1}", depth);
            }
        }
    }

    private string Place(int cell) => $"{_notebook.Name}, cell {cell + 1}";

    private void Send(JsonObject message) => _pipe.WriteLine(message.ToJsonString());

    /// <summary>A line on standard input asks to stop; its end means that whoever started this process is gone.</summary>
    private static void WatchParent()
    {
        TextReader input = Console.In;
        Thread watch = new(() =>
        {
            while (input.ReadLine() is not null)
            {
                Notebook.Stop();
            }
            Environment.Exit(1);
        })
        { IsBackground = true };
        watch.Start();
    }
}
