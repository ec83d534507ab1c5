using System.Runtime.InteropServices;

namespace NextStep.Research.Cli;

/// <summary>
/// Ctrl-C and SIGTERM: the first asks to stop at the next safe place, the second ends the process. SIGUSR2, which Slurm is told to
/// send before a task's time is over, asks too; it may come any number of times.
/// </summary>
internal sealed class Interrupt : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];

    public Interrupt()
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal));
        if (!OperatingSystem.IsWindows())
        {
            _registrations.Add(PosixSignalRegistration.Create((PosixSignal)(OperatingSystem.IsLinux() ? 12 : 31), context =>
            {
                context.Cancel = true;
                TimeIsOver = true;
                _source.Cancel();
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
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        if (!_source.IsCancellationRequested)
        {
            context.Cancel = true;
            Console.Error.WriteLine("stopping after this step; once more to stop at once");
            _source.Cancel();
        }
    }
}
