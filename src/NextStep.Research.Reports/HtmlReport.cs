namespace NextStep.Research.Reports;

/// <summary>
/// The report of a run folder as one HTML file: question and answer first, then numbers, pictures, curves and provenance.
/// It loads nothing from anywhere; the same results give the same bytes.
/// </summary>
public static class HtmlReport
{
    /// <summary>
    /// Reads <paramref name="runFolder"/>, finished or not, and writes the report. Damaged or missing files of single cells
    /// become notes in the report that name them.
    /// </summary>
    /// <param name="runFolder">The run folder.</param>
    /// <param name="outputFile">The page.</param>
    /// <param name="mixCode">Whether cells that different code computed are tested against each other.</param>
    /// <exception cref="InvalidDataException">The folder or its <c>plan.json</c> is not there or is damaged.</exception>
    /// <exception cref="IOException">The output cannot be written; an older report is left as it was.</exception>
    /// <example><code>HtmlReport.Write("runs/quickstart", "runs/quickstart/report.html");</code></example>
    public static void Write(string runFolder, string outputFile, bool mixCode = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(runFolder);
        RunResults run = RunReader.Read(runFolder, mixCode);
        AtomicFile.WriteText(outputFile, Page(run).Markup);
    }

    /// <summary>The beginning of every page of this kit, up to its body: nothing from elsewhere is loaded.</summary>
    /// <param name="title">As text.</param>
    /// <param name="sheet">The page's own styles, after those that all have.</param>
    internal static Html Head(string title, string sheet) => Html.Of($"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
        <meta name="generator" content="NextStep.Research">
        <title>{title}</title>
        <style>
        {Asset("report.css")}{Asset(sheet)}</style>
        </head>
        """);

    private static Html Page(RunResults run)
    {
        IReadOnlyList<RunFigure> figures = RunFigures.All(run);
        return Html.Of($"""
            {Head($"{run.Plan.Name}: {LongText.Short(run.Plan.Question)}", "pictures.css")}
            <body>
            <a class="skip" href="#answer">Skip to the answer</a>
            <main>
            {AnswerSection.Of(run)}
            {SearchSection.Of(run)}
            {NumbersSection.Of(run, figures)}
            {PairedSection.Of(run)}
            {EffectsSection.Of(run, figures)}
            {ArmPicker.Of(run)}
            {PicturesSection.Of(run)}
            {MeasurementsSection.Of(figures)}
            {DataSection.Of(run)}{NotesSection.Of(run)}
            {OriginSection.Of(run)}
            </main>
            <dialog aria-labelledby="dialog-title"><div class="bar"><button type="button" data-step="-1" aria-label="Previous prompt">←</button><button type="button" data-step="1" aria-label="Next prompt">→</button><p id="dialog-title"></p><button type="button" data-close>Close</button></div><div class="enlarged"></div></dialog>
            <script>{new Html(IsolatedPlotly.Script())}</script>
            <script>
            {Asset("page.js")}{Asset("charts.js")}{Asset("pictures.js")}</script>
            </body>
            </html>

            """);
    }

    internal static Html Asset(string name)
    {
        using Stream stream = typeof(HtmlReport).Assembly.GetManifestResourceStream("Assets/" + name)!;
        using var reader = new StreamReader(stream);
        return new Html(reader.ReadToEnd());
    }
}
