using System.Text.Json;

namespace NextStep.Research.Experiments;

/// <summary>
/// The right of one process to work on a folder: a file that names it, created only where there is none, whose time of writing is
/// the heartbeat. <see cref="LeaseWatch"/> decides when its owner is dead and another may take it over.
/// </summary>
internal sealed class Lease : IDisposable
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(10);
    private readonly string _file;
    private readonly string _token;
    private readonly Timer _heart;
    private const string Name = "lease";
    private const string OlderName = "claim"; // its name before a claim was a sentence
    private const int FileExists = 17; // EEXIST
    private const int FileExistsWindows = unchecked((int)0x80070050); // ERROR_FILE_EXISTS

    private readonly CancellationTokenSource _lost = new();
    private long _beaten = DateTime.UtcNow.Ticks;

    private Lease(string file, string token)
    {
        _file = file;
        _token = token;
        _heart = new Timer(_ => OnBeat(), null, Beat, Beat);
    }

    /// <summary>Signalled when another process has taken the lease over, for instance after this machine slept.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>That of a cell.</summary>
    public static string FileOf(RunFolder folder, PlannedCell cell) => Path.Combine(folder.Cell(cell), Name);

    /// <summary>That of a shared stage, beside its folder.</summary>
    public static string FileOf(RunFolder folder, PlannedStage stage) => $"{folder.Stage(stage)}.{Name}";

    /// <summary>Whether a file of this name is a lease.</summary>
    public static bool IsFile(string name) => name is Name or OlderName || name.EndsWith("." + Name, StringComparison.Ordinal) || name.EndsWith("." + OlderName, StringComparison.Ordinal);

    /// <summary>Takes the lease, also from a dead owner; null while a living one has it.</summary>
    public static Lease? TryTake(string file, LeaseWatch watch)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        string older = Older(file);
        if (File.Exists(older))
        {
            if (!watch.IsDead(older, out _))
            {
                return null;
            }
            File.Delete(older);
        }
        LeaseOwner me = LeaseOwner.Me();
        try
        {
            using FileStream fresh = new(file, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            JsonSerializer.Serialize(fresh, me, RunFolder.Json);
        }
        catch (IOException e) when (e.HResult is FileExists or FileExistsWindows)
        {
            // Its owner may just have removed it: then it is nobody's, and the next try gets it.
            if (!watch.IsDead(file, out LeaseOwner? dead) || !TryBury(file, dead, me.Following(dead)))
            {
                return null;
            }
            // Where the file system has no locks two may have got here; the later writer has it.
            Thread.Sleep(100);
        }
        // Whoever reads its own token back has it, whatever happened to the file meanwhile.
        return Look(file).Owner?.Token == me.Token ? new Lease(file, me.Token) : null;
    }

    /// <summary>Whether a lease looks alive at first sight; for display, because the clocks of two machines may disagree.</summary>
    public static bool LooksAlive(string file) =>
        Look(file) is (var owner, { } beat) && (owner?.IsAlive() ?? DateTime.UtcNow - beat < LeaseWatch.DeadAfter);

    /// <summary>For people: <c>process 12 on box</c>.</summary>
    public static string Describe(string file) => Look(file).Owner?.ToString() ?? "another process";

    /// <summary>Owner and heartbeat; the owner is null while it cannot be read, the heartbeat when there is no lease.</summary>
    public static (LeaseOwner? Owner, DateTime? Beat) Look(string file)
    {
        try
        {
            // Opening is what makes network file systems ask the server again.
            using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return (Parse(stream), File.GetLastWriteTimeUtc(stream.SafeFileHandle));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return Older(file) is var older && older != file && File.Exists(older) ? Look(older) : (null, null);
        }
        catch (IOException)
        {
            return (null, DateTime.MinValue); // there, but held by its writer
        }
    }

    /// <summary>Called at every step: after a pause longer than three heartbeats (a sleeping machine) it looks before work goes on.</summary>
    public void Check()
    {
        if (DateTime.UtcNow.Ticks - Volatile.Read(ref _beaten) > 3 * Beat.Ticks)
        {
            OnBeat();
        }
    }

    /// <summary>Looks now, before anything final is written, whether another process has the lease.</summary>
    public bool IsLost()
    {
        OnBeat();
        return _lost.IsCancellationRequested;
    }

    public void Dispose()
    {
        using (ManualResetEvent stopped = new(false))
        {
            if (_heart.Dispose(stopped))
            {
                stopped.WaitOne();
            }
        }
        try
        {
            // The lock keeps a rival from burying the lease between the look and the removal.
            using FileStream mine = new(_file, FileMode.Open, FileAccess.Read, FileShare.Delete);
            if (!_lost.IsCancellationRequested && Parse(mine)?.Token == _token)
            {
                File.Delete(_file);
            }
        }
        catch (IOException)
        {
            // Gone already, or just looked at by a rival: without this process it is dead anyway.
        }
        _lost.Dispose();
    }

    // A process of an earlier version that still works is respected, and a dead one's file is removed.
    private static string Older(string file) => file.EndsWith(Name, StringComparison.Ordinal) ? file[..^Name.Length] + OlderName : file;

    // In place and under a lock: a rival that found the same dead lease reads the new owner when its turn comes.
    private static bool TryBury(string file, LeaseOwner? dead, LeaseOwner next)
    {
        try
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            if (Parse(stream)?.Token != dead?.Token)
            {
                return false;
            }
            stream.SetLength(0);
            JsonSerializer.Serialize(stream, next, RunFolder.Json);
            return true;
        }
        catch (IOException)
        {
            return false; // another process holds or has removed it; the next attempt will see
        }
    }

    private static LeaseOwner? Parse(FileStream stream)
    {
        try
        {
            return stream.Length is > 0 and < 4096 ? JsonSerializer.Deserialize<LeaseOwner>(stream, RunFolder.Json) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void OnBeat()
    {
        try
        {
            switch (Look(_file))
            {
                case ({ } owner, _) when owner.Token == _token:
                    File.SetLastWriteTimeUtc(_file, DateTime.UtcNow);
                    Volatile.Write(ref _beaten, DateTime.UtcNow.Ticks);
                    break;
                case ({ }, _) or (_, null):
                    _lost.Cancel();
                    break;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A missed beat; the next comes in ten seconds, and a lease holds for thirty of them.
        }
    }
}
