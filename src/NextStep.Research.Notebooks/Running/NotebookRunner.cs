namespace NextStep.Research.Notebooks;

/// <summary>How notebooks are run.</summary>
internal sealed record NotebookRunOptions
{
    /// <summary>Program and leading arguments of the process that runs the cells.</summary>
    public required IReadOnlyList<string> Host { get; init; }

    /// <summary>Longest time for one cell.</summary>
    public TimeSpan CellTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Charts come as scripts that need no network (1.5 MB a notebook) rather than as pictures.</summary>
    public bool Interactive { get; init; }

    /// <summary>Told which cell begins.</summary>
    public Action<string>? Begin { get; init; }

    /// <summary>Told a line about each cell that ends.</summary>
    public Action<string>? Report { get; init; }
}

/// <summary>How a notebook ended.</summary>
/// <param name="Name">File name.</param>
/// <param name="Passed">Code cells that did what they should.</param>
/// <param name="Failed">0 or 1: the rest is not run after a failure.</param>
/// <param name="Skipped">Code cells that were not run, those tagged <c>skip-ci</c> included.</param>
/// <param name="Problem">What went wrong, with cell and line; null when all passed.</param>
/// <param name="Stopped">Stopped from outside.</param>
/// <param name="TensorsLeft">Live tensors that its variables held at the end, by variable; null when it did not come to its end.</param>
internal sealed record NotebookOutcome(string Name, int Passed, int Failed, int Skipped, string? Problem, bool Stopped, IReadOnlyDictionary<string, int>? TensorsLeft)
{
    /// <summary>The closing line.</summary>
    public override string ToString() => $"{Name}: {Passed} cells passed, {Failed} failed{(Skipped > 0 ? $", {Skipped} not run" : "")}{(TensorsLeft is { Count: > 0 } left ? $", {left.Values.Sum()} tensors left in {string.Join(", ", left.Keys)}" : "")}";
}

/// <summary>Runs notebooks without a notebook host, as their proof.</summary>
internal static class NotebookRunner
{
    /// <summary>Runs the cells of a notebook in a process of their own and writes it with its outputs. What its cells started ends with it.</summary>
    /// <param name="file"><c>.ipynb</c>, <c>.dib</c> or <c>.csx</c>.</param>
    /// <param name="output">The executed <c>.ipynb</c>, written also when a cell failed; not when stopped.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellation">Asks the running cell to stop, and ends it ten seconds later.</param>
    /// <exception cref="InvalidDataException">The file is no notebook that can be run; the message names it.</exception>
    public static NotebookOutcome Run(string file, string output, NotebookRunOptions options, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(file);
        ArgumentException.ThrowIfNullOrEmpty(output);
        ArgumentNullException.ThrowIfNull(options);
        NotebookDocument notebook = Read(file);
        RunningCells cells = new(notebook, options);
        string? problem = cells.Run(cancellation);
        bool stopped = problem == RunningCells.Stopped;
        if (!stopped)
        {
            NotebookWriter.Write(notebook, cells.Outputs, cells.TensorsLeft?.Values.Sum(), output);
        }
        int all = notebook.Cells.Count(c => c.Kind == CellKind.Code);
        int failed = problem is null || stopped ? 0 : 1;
        return new NotebookOutcome(notebook.Name, cells.Passed, failed, Math.Max(0, all - cells.Passed - failed), problem, stopped, cells.TensorsLeft);
    }

    /// <summary>The process that <see cref="NotebookRunOptions.Host"/> names ends up here.</summary>
    /// <param name="file">The notebook.</param>
    /// <param name="pipe">Handle of the pipe to report through.</param>
    /// <param name="interactive">As <see cref="NotebookRunOptions.Interactive"/>.</param>
    public static Task RunCells(string file, string pipe, bool interactive) => CellHost.Run(file, pipe, interactive);

    /// <summary>Writes an executed notebook as one HTML page that needs no network.</summary>
    /// <exception cref="InvalidDataException">The file is no notebook; the message names it.</exception>
    public static void WriteHtml(string file, string output) => NotebookPage.Write(Read(file), output);

    private static NotebookDocument Read(string file)
    {
        try
        {
            return NotebookReader.Read(file);
        }
        catch (NotebookFileException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
    }
}
