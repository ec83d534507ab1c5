using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace NextStep.Research.Experiments;

/// <summary>
/// The right of one process to work on a folder: a file with host, process and start, whose time of writing is the
/// heartbeat. A claim is dead when its process is gone from this host, or when no heartbeat came for five minutes.
/// </summary>
internal sealed class Claimed : IDisposable
{
    private sealed record Owner(string Host, int Process, string Started, string Token);

    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DeadAfter = TimeSpan.FromMinutes(5);

    // A claim file without content is one that its owner is just writing, or whose writer died right there.
    private static readonly TimeSpan WritingTakes = TimeSpan.FromSeconds(10);

    private readonly string _file;
    private readonly string _token;
    private readonly Timer _heart;
    private readonly CancellationTokenSource _lost = new();

    private Claimed(string file, string token)
    {
        _file = file;
        _token = token;
        _heart = new Timer(_ => OnBeat(), null, Beat, Beat);
    }

    /// <summary>Signalled when another process has taken the claim over, for instance after this machine slept.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Takes the claim, also from a dead owner; null while a living one has it.</summary>
    public static Claimed? TryTake(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        Owner me = new(Environment.MachineName, Environment.ProcessId, StartOf(Environment.ProcessId), Guid.NewGuid().ToString("N"));
        byte[] text = JsonSerializer.SerializeToUtf8Bytes(me, RunFolder.Json);
        try
        {
            using FileStream fresh = new(file, FileMode.CreateNew, FileAccess.Write, FileShare.None);
            fresh.Write(text);
        }
        catch (IOException) when (File.Exists(file))
        {
            if (!TryTakeOver(file, text))
            {
                return null;
            }
        }
        // Whoever reads its own token back has it, whatever happened to the file meanwhile.
        return ReadOwner(file)?.Token == me.Token ? new Claimed(file, me.Token) : null;
    }

    /// <summary>Whether a living process has the claim.</summary>
    public static bool IsLive(string file)
    {
        FileInfo info = new(file);
        if (!info.Exists)
        {
            return false;
        }
        TimeSpan age = DateTime.UtcNow - info.LastWriteTimeUtc;
        Owner? owner = ReadOwner(file);
        return owner is null ? age < WritingTakes : age < DeadAfter && (owner.Host != Environment.MachineName || IsAlive(owner));
    }

    /// <summary>For people: <c>process 12 on box</c>.</summary>
    public static string Describe(string file) =>
        ReadOwner(file) is { } owner ? string.Create(CultureInfo.InvariantCulture, $"process {owner.Process} on {owner.Host}") : "another process";

    public void Dispose()
    {
        using (ManualResetEvent stopped = new(false))
        {
            if (_heart.Dispose(stopped))
            {
                stopped.WaitOne();
            }
        }
        if (!_lost.IsCancellationRequested && ReadOwner(_file)?.Token == _token)
        {
            File.Delete(_file);
        }
        _lost.Dispose();
    }

    // The exclusive lock keeps two processes from burying the same dead claim at once.
    private static bool TryTakeOver(string file, byte[] text)
    {
        if (IsLive(file))
        {
            return false;
        }
        try
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            Owner? owner = Parse(stream);
            if (owner is not null && DateTime.UtcNow - File.GetLastWriteTimeUtc(file) < DeadAfter && (owner.Host != Environment.MachineName || IsAlive(owner)))
            {
                return false;
            }
            stream.SetLength(0);
            stream.Write(text);
            return true;
        }
        catch (IOException)
        {
            return false; // another process holds or has removed it; the next attempt will see
        }
    }

    private static Owner? ReadOwner(string file)
    {
        try
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return Parse(stream);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static Owner? Parse(FileStream stream)
    {
        try
        {
            return stream.Length is > 0 and < 4096 ? JsonSerializer.Deserialize<Owner>(stream, RunFolder.Json) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool IsAlive(Owner owner)
    {
        try
        {
            // The number may have been given to another process since.
            return StartOf(owner.Process) == owner.Started;
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
        using Process found = Process.GetProcessById(process);
        return found.StartTime.ToUniversalTime().Ticks.ToString(CultureInfo.InvariantCulture);
    }

    private void OnBeat()
    {
        try
        {
            if (ReadOwner(_file)?.Token == _token)
            {
                File.SetLastWriteTimeUtc(_file, DateTime.UtcNow);
            }
            else if (File.Exists(_file))
            {
                _lost.Cancel();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A missed beat; the next comes in ten seconds, and the claim holds for thirty of them.
        }
    }
}
