using System.Diagnostics;
using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>Who holds a lease.</summary>
/// <param name="Host">The machine's name, for people.</param>
/// <param name="Machine">What stays the same when it reboots; empty where that cannot be told.</param>
/// <param name="Boot">Changes when it reboots, and differs between containers that do not see each other's processes.</param>
/// <param name="Process">The process.</param>
/// <param name="Started">When that process started; its number may be given to another later.</param>
/// <param name="Job">The Slurm task, <c>12_3</c>, or empty.</param>
/// <param name="Token">Different for every taking.</param>
internal sealed record LeaseOwner(string Host, string Machine, string Boot, int Process, string Started, string Job, string Token)
{
    private const int Remembered = 8;
    private static readonly string ThisBoot = OperatingSystem.IsLinux() ? $"{Read("/proc/sys/kernel/random/boot_id")} {File.ResolveLinkTarget("/proc/self/ns/pid", false)?.Name}" : Environment.MachineName;
    private static readonly string ThisMachine = OperatingSystem.IsLinux() ? Read("/etc/machine-id") : Environment.MachineName;

    /// <summary>This process, with a new token.</summary>
    public static LeaseOwner Me() => new(
        Environment.MachineName, ThisMachine, ThisBoot, Environment.ProcessId, StartOf(Environment.ProcessId), SlurmTask.Current?.Id ?? "", Guid.NewGuid().ToString("N"));

    /// <summary>Whom it was taken over from, the last first: <c>HOST/PROCESS</c>.</summary>
    public IReadOnlyList<string>? After { get; init; }

    /// <summary>Whether this process of this host has the lease, or had it when it died.</summary>
    public bool IsOrFollows(int process) => (Process == process && Host == Environment.MachineName) || After?.Contains(NameOf(Environment.MachineName, process)) == true;

    /// <summary>The same, as the one that takes over from <paramref name="dead"/>.</summary>
    public LeaseOwner Following(LeaseOwner? dead) =>
        dead is null ? this : this with { After = [.. new[] { NameOf(dead.Host, dead.Process) }.Concat(dead.After ?? []).Take(Remembered)] };

    private static string NameOf(string host, int process) => string.Create(CultureInfo.InvariantCulture, $"{host}/{process}");

    /// <summary>For people: <c>process 12 on box</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(Job is { Length: > 0 } ? $"Slurm task {Job}, " : "")}process {Process} on {Host}");

    /// <summary>Whether the process lives; null when this machine cannot tell, because it is another's.</summary>
    public bool? IsAlive()
    {
        if (Boot == ThisBoot)
        {
            return IsRunning();
        }
        // The same machine after a reboot: nothing of before is left.
        return Host == Environment.MachineName && Machine is { Length: > 0 } && Machine == ThisMachine && !SharesKernel() ? false : null;
    }

    // Two containers on one machine share the first part of Boot.
    private bool SharesKernel() => (Boot ?? "").Split(' ')[0] == ThisBoot.Split(' ')[0];

    private bool IsRunning()
    {
        try
        {
            return StartOf(Process) == Started;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or IOException)
        {
            return false;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return true; // it exists, but belongs to someone else
        }
    }

    // On Linux in clock ticks since boot: the time of day that .NET derives from it moves with the clock.
    private static string StartOf(int process)
    {
        if (OperatingSystem.IsLinux())
        {
            string file = $"/proc/{process}/stat";
            string text = File.Exists(file) ? File.ReadAllText(file) : throw new ArgumentException("no such process");
            // The second field is the program's name in parentheses and may hold anything.
            string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            // Z and X: killed, only its parent has not asked for the exit code yet.
            return fields[0] is "Z" or "X" ? throw new ArgumentException("the process has ended") : fields[19];
        }
        using Process found = System.Diagnostics.Process.GetProcessById(process);
        return found.StartTime.ToUniversalTime().Ticks.ToString(CultureInfo.InvariantCulture);
    }

    private static string Read(string file) => File.Exists(file) ? File.ReadAllText(file).Trim() : "";
}
