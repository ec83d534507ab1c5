using System.Diagnostics;
using System.Globalization;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>Shows a sweep, cell by cell: lines that stay, a live bar below them on a terminal, a line every five seconds elsewhere. Other work has <see cref="WorkProgress"/>.</summary>
internal sealed class SweepConsole : IDisposable
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(5);
    private readonly bool _live;
    private readonly Stopwatch _sinceLine = Stopwatch.StartNew();
    private ProgressContext? _bars;
    private ProgressTask? _bar;
    private string _waitingFor = "";

    private SweepConsole(bool live) => _live = live;

    public static SweepConsole Create() => new(AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected);

    /// <summary>Runs the sweep inside of the live display where there is one.</summary>
    public SweepOutcome Run(Func<SweepOutcome> sweep) => !_live ? sweep() : AnsiConsole.Progress()
        .AutoClear(true)
        .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
        .Start(bars =>
        {
            _bars = bars;
            return sweep();
        });

    public void Show(SweepEvent e)
    {
        switch (e)
        {
            case SweepEvent.CellStarted c:
                Line($"cell {c.Number} of {c.Total}: {c.Cell.Label}");
                break;
            case SweepEvent.StageStarted { Reused: true } s:
                Line($"  {s.Stage.Kind}: done before");
                break;
            case SweepEvent.StageStarted s:
                _sinceLine.Restart();
                Close();
                _bar = _bars?.AddTask(Markup.Escape(s.Stage.Kind), maxValue: 1);
                break;
            case SweepEvent.StageProgressed p when _bar is not null:
                _bar.MaxValue = Math.Max(1, p.Progress.Total);
                _bar.Value = p.Progress.Done;
                _bar.Description = Markup.Escape(Describe(p));
                break;
            case SweepEvent.StageProgressed p when !_live && _sinceLine.Elapsed > LineEvery:
                _sinceLine.Restart();
                Line("  " + Describe(p));
                break;
            case SweepEvent.StageDone d:
                Close();
                Line(string.Create(CultureInfo.InvariantCulture, $"  {d.Stage.Kind}: {d.Seconds:F1} s"));
                break;
            case SweepEvent.CellFailed f:
                Close();
                Line($"  FAILED {f.Cell.Label}, stage {f.Failure.Stage}: {f.Failure.Message}");
                break;
            case SweepEvent.Note n:
                Console.Error.WriteLine(n.Text);
                break;
            case SweepEvent.Overview o when _bars is not null:
                _bar ??= _bars.AddTask("cells", maxValue: o.Total);
                _bar.Value = o.Done + o.Failed;
                _bar.Description = Markup.Escape(Describe(o));
                break;
            case SweepEvent.Overview o when _sinceLine.Elapsed > LineEvery:
                _sinceLine.Restart();
                Line(Describe(o));
                break;
            case SweepEvent.Waiting w when _waitingFor != w.What:
                _waitingFor = w.What;
                Line($"  waiting for {w.What}: {w.Owner} works on it");
                break;
        }
    }

    public void Dispose() => Close();

    /// <summary>Stage, share, rate, time left and the newest numbers.</summary>
    internal static string Describe(SweepEvent.StageProgressed p)
    {
        StageProgress s = p.Progress;
        double rate = p.Seconds > 0 ? s.Done / p.Seconds : 0;
        string left = rate > 0 && s.Total >= s.Done ? NextStep.Research.Reports.Numbers.Duration((s.Total - s.Done) / rate) : "?";
        string numbers = string.Concat(s.Metrics.Take(4).Select(m => string.Create(CultureInfo.InvariantCulture, $", {m.Key} {m.Value:G4}")));
        return string.Create(CultureInfo.InvariantCulture, $"{p.Stage.Kind}: {s.Done}/{s.Total} {s.Unit}, {rate:F0} {s.Unit}/s, {left} left{numbers}");
    }

    private static string Describe(SweepEvent.Overview o)
    {
        string failed = o.Failed > 0 ? $", {o.Failed} failed" : "";
        IEnumerable<string> running = o.Running.Where(r => r.Progress is not null).Take(4)
            .Select(r => string.Create(CultureInfo.InvariantCulture, $"; {r.Cell.Label}: {r.Progress!.Stage} {r.Progress.Done}/{r.Progress.Total} {r.Progress.Unit}"));
        return $"{o.Done} of {o.Total} cells done{failed}{string.Concat(running)}";
    }

    private void Close()
    {
        _bar?.StopTask();
        _bar = null;
    }

    private static void Line(string text) => AnsiConsole.WriteLine(text);
}
