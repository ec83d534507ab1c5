using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>
/// Long work, on the error stream so that what it prints can be piped: a bar on a terminal; elsewhere a plain line after two seconds and then every ten.
/// A sweep, of many cells and stages and with lines that stay, has <see cref="SweepConsole"/>; notebooks have a place on the page.
/// </summary>
internal sealed class WorkProgress
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly ProgressTask? _bar;
    private TimeSpan _next = TimeSpan.FromSeconds(2);

    private WorkProgress(ProgressTask? bar) => _bar = bar;

    /// <summary>Runs <paramref name="work"/>, which reports how far it is.</summary>
    public static T Run<T>(Func<WorkProgress, T> work)
    {
        if (!AnsiConsole.Profile.Capabilities.Interactive || Console.IsErrorRedirected)
        {
            return work(new WorkProgress(null));
        }
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return console.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(bars => work(new WorkProgress(bars.AddTask("working"))));
    }

    /// <summary>How much is done of how much.</summary>
    /// <param name="what">For instance "drawing".</param>
    /// <param name="done">So much.</param>
    /// <param name="total">Of so much.</param>
    /// <param name="unit">For instance "tokens", with a rate and the time left; empty: steps of unlike length.</param>
    /// <param name="scale">How many reported numbers make one unit.</param>
    public void Report(string what, long done, long total, string unit = "", double scale = 1)
    {
        double seconds = _clock.Elapsed.TotalSeconds, rate = done / scale / Math.Max(seconds, 1e-3);
        string speed = unit.Length == 0 ? "" : $", {rate.ToString(rate < 1 ? "0.###" : "F1", CultureInfo.InvariantCulture)} {unit}/s";
        if (_bar is not null)
        {
            (_bar.MaxValue, _bar.Value, _bar.Description) = (Math.Max(1, total), done, Markup.Escape(what + speed));
        }
        else if (_clock.Elapsed >= _next)
        {
            _next = _clock.Elapsed + Pause;
            string left = unit.Length == 0 ? "" : $" {unit}{speed}, {Left(seconds * (total - done) / Math.Max(done, 1))} left";
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {done / scale:0.##} of {total / scale:0.##}{left}"));
        }
    }

    /// <summary>A span of time in its two largest units.</summary>
    public static string Left(double seconds) => TimeSpan.FromSeconds(Math.Min(Math.Ceiling(seconds), 8e6)) switch
    {
        { TotalHours: >= 1 } t => string.Create(CultureInfo.InvariantCulture, $"{(int)t.TotalHours} h {t.Minutes} min"),
        { TotalMinutes: >= 1 } t => string.Create(CultureInfo.InvariantCulture, $"{t.Minutes} min {t.Seconds} s"),
        var t => string.Create(CultureInfo.InvariantCulture, $"{t.Seconds} s"),
    };
}
