using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>Long work on the console: a bar on a terminal; elsewhere a plain line after two seconds and then every ten.</summary>
internal sealed class DrawingProgress
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly string _what;
    private readonly string _unit;
    private readonly double _scale;
    private readonly ProgressTask? _bar;
    private TimeSpan _next = TimeSpan.FromSeconds(2);

    private DrawingProgress(string what, string unit, double scale, ProgressTask? bar) => (_what, _unit, _scale, _bar) = (what, unit, scale, bar);

    /// <summary>Runs <paramref name="work"/>, which reports how much is done of how much.</summary>
    /// <param name="what">For instance "drawing".</param>
    /// <param name="unit">For instance "tokens".</param>
    /// <param name="scale">How many reported numbers make one unit.</param>
    /// <param name="work">The work.</param>
    public static T Show<T>(string what, string unit, double scale, Func<Action<long, long>, T> work)
    {
        if (!AnsiConsole.Profile.Capabilities.Interactive)
        {
            return work(new DrawingProgress(what, unit, scale, null).Report);
        }
        return AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(progress => work(new DrawingProgress(what, unit, scale, progress.AddTask(what)).Report));
    }

    private void Report(long done, long total)
    {
        double seconds = _clock.Elapsed.TotalSeconds, rate = done / _scale / Math.Max(seconds, 1e-3);
        if (_bar is not null)
        {
            (_bar.MaxValue, _bar.Value) = (total, done);
            _bar.Description = string.Create(CultureInfo.InvariantCulture, $"{_what}, {rate:F1} {_unit}/s");
        }
        else if (_clock.Elapsed >= _next)
        {
            _next = _clock.Elapsed + Pause;
            AnsiConsole.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{_what}: {done / _scale:0.##} of {total / _scale:0.##} {_unit}, {rate:F1} {_unit}/s, {Left(seconds * (total - done) / Math.Max(done, 1))} left"));
        }
    }

    private static string Left(double seconds) => TimeSpan.FromSeconds(Math.Min(Math.Ceiling(seconds), 8e6)) switch
    {
        { TotalHours: >= 1 } t => string.Create(CultureInfo.InvariantCulture, $"{(int)t.TotalHours} h {t.Minutes} min"),
        { TotalMinutes: >= 1 } t => string.Create(CultureInfo.InvariantCulture, $"{t.Minutes} min {t.Seconds} s"),
        var t => string.Create(CultureInfo.InvariantCulture, $"{t.Seconds} s"),
    };
}
