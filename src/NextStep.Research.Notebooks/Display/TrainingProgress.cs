using System.Diagnostics;
using System.Globalization;
using NextStep.Research.Reports;

namespace NextStep.Research.Notebooks;

/// <summary>
/// Training, or other long work, as it goes: images seen, the newest numbers and a curve, in one place that is updated where the host can, and as lines
/// elsewhere. What remains at the end has no times in it, so that the same training leaves the same output.
/// </summary>
/// <param name="title">What is trained.</param>
/// <param name="total">Images to see in all.</param>
/// <param name="curve">The number to draw; null: the first one reported.</param>
/// <param name="unit">What is counted.</param>
/// <example><code>
/// TrainingProgress live = new("autoencoder", config.Training.Autoencoder.Images);
/// AutoencoderTrainer.Train(config, source, new TrainingRun(folder, "autoencoder", live.Report, Notebook.Cancellation));
/// </code></example>
public sealed class TrainingProgress(string title, long total, string? curve = null, string unit = "images")
{
    private static readonly TimeSpan OnPage = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan AsLine = TimeSpan.FromSeconds(5);

    private readonly LiveOutput _place = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<double> _x = [], _y = [];
    private IReadOnlyDictionary<string, double>? _last;
    private TimeSpan? _shown;

    /// <summary>The curve so far: images seen, and the number.</summary>
    public FigureSeries Series => new(curve ?? "loss", [.. _x], [.. _y]);

    /// <summary>To be handed to <see cref="TrainingRun.Progress"/>; throttled by itself.</summary>
    /// <param name="images">Images seen.</param>
    /// <param name="numbers">The newest means.</param>
    public void Report(long images, IReadOnlyDictionary<string, double> numbers)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        if (!ReferenceEquals(numbers, _last) && numbers.Count > 0)
        {
            curve ??= numbers.Keys.First();
            _last = numbers;
            if (numbers.TryGetValue(curve, out double value))
            {
                _x.Add(images);
                _y.Add(value);
            }
        }
        bool last = images >= total;
        if (!last && _clock.Elapsed - _shown < (LiveOutput.IsOnPage ? OnPage : AsLine))
        {
            return;
        }
        _shown = _clock.Elapsed;
        _place.Show(new ProgressView(title, images, total, unit, last ? null : Left(images), Numbers(numbers), Chart()));
    }

    private string Left(long images)
    {
        double seconds = images > 0 ? _clock.Elapsed.TotalSeconds * (total - images) / images : 0;
        return string.Create(CultureInfo.InvariantCulture, $"{images / Math.Max(1e-9, _clock.Elapsed.TotalSeconds):F0} {unit}/s, {seconds:F0} s left");
    }

    private Figure? Chart() => _x.Count < 2 ? null : new Figure($"{title}: {curve}", unit == "images" ? "images seen" : unit, curve!, [Series]);

    private static IReadOnlyList<(string Name, string Value)> Numbers(IReadOnlyDictionary<string, double> numbers) =>
        [.. numbers.Where(n => !n.Key.Contains(".t", StringComparison.Ordinal)).Take(6).Select(n => (n.Key, n.Value.ToString("G4", CultureInfo.InvariantCulture)))];
}

/// <summary>One state of a training on the page.</summary>
[TypeFormatterSource(typeof(HtmlFormatterSource), PreferredMimeTypes = ["text/html"])]
internal sealed record ProgressView(string Title, long Done, long Total, string Unit, string? Left, IReadOnlyList<(string Name, string Value)> Numbers, Figure? Chart) : IShowsAsHtml
{
    public string ToHtml() => Html.Of($"""
        <div><b>{Title}</b> <progress max="{Total}" value="{Math.Min(Done, Total)}"></progress> {Done} of {Total} {Unit}{(Left is null ? "" : $", {Left}")}</div>
        <div>{string.Join(" · ", Numbers.Select(n => $"{n.Name} {n.Value}"))}</div>
        {(Chart is null ? Html.Empty : new Html(StaticChart.Svg(Chart)))}
        """).Markup;

    public override string ToString() => $"{Title}: {Done} of {Total} {Unit}{(Left is null ? "" : $", {Left}")}{string.Concat(Numbers.Select(n => $", {n.Name} {n.Value}"))}";
}
