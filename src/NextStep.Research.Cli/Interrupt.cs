using System.Runtime.InteropServices;

namespace NextStep.Research.Cli;

/// <summary>
/// Ctrl-C and SIGTERM: the first asks to stop at the next safe place, the second ends the process. SIGHUP, when the terminal has
/// gone, and SIGUSR2, which Slurm is told to send before a task's time is over, ask too; they may come any number of times.
/// Where SIGHUP is ignored, as under nohup, it stays so.
/// </summary>
internal sealed class Interrupt : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Lock _gate = new();
    private bool _over;

    public Interrupt()
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal));
        if (!OperatingSystem.IsLinux() || !IsIgnored(1))
        {
            // A shell that ends and the system both send it: the second is no wish to stop at once.
            _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                Ask();
            }));
        }
        if (!OperatingSystem.IsWindows())
        {
            _registrations.Add(PosixSignalRegistration.Create((PosixSignal)(OperatingSystem.IsLinux() ? 12 : 31), context =>
            {
                context.Cancel = true;
                TimeIsOver = true;
                Ask();
            }));
        }
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Whether SIGUSR2 came: the cluster takes the node back soon.</summary>
    public bool TimeIsOver { get; private set; }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }
        lock (_gate)
        {
            _over = true;
            _source.Dispose();
        }
    }

    private static bool IsIgnored(int signal)
    {
        const string name = "SigIgn:";
        string? mask = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?[name.Length..].Trim();
        return mask is not null && (Convert.ToUInt64(mask, 16) >> (signal - 1) & 1) == 1;
    }

    private void OnSignal(PosixSignalContext context)
    {
        if (!_source.IsCancellationRequested)
        {
            context.Cancel = true;
            Console.Error.WriteLine("stopping after this step; once more to stop at once");
            Ask();
        }
    }

    // A signal may still be handled on its way when this is disposed.
    private void Ask()
    {
        lock (_gate)
        {
            if (!_over)
            {
                _source.Cancel();
            }
        }
    }
}
