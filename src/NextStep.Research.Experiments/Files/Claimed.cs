using System.Text.Json;

namespace NextStep.Research.Experiments;

/// <summary>
/// The right of one process to work on a folder: a file that names it, created only where there is none, whose time of writing is
/// the heartbeat. <see cref="ClaimWatch"/> decides when its owner is dead and another may take it over.
/// </summary>
internal sealed class Claimed : IDisposable
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(10);
    private readonly string _file;
    private readonly string _token;
    private readonly Timer _heart;
    private const int FileExists = 17; // EEXIST
    private const int FileExistsWindows = unchecked((int)0x80070050); // ERROR_FILE_EXISTS

    private readonly CancellationTokenSource _lost = new();
    private long _beaten = DateTime.UtcNow.Ticks;

    private Claimed(string file, string token)
    {
        _file = file;
        _token = token;
        _heart = new Timer(_ => OnBeat(), null, Beat, Beat);
    }

    /// <summary>Signalled when another process has taken the claim over, for instance after this machine slept.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Takes the claim, also from a dead owner; null while a living one has it.</summary>
    public static Claimed? TryTake(string file, ClaimWatch watch)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        ClaimOwner me = ClaimOwner.Me();
        byte[] text = JsonSerializer.SerializeToUtf8Bytes(me, RunFolder.Json);
        try
        {
            using FileStream fresh = new(file, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            fresh.Write(text);
        }
        catch (IOException e) when (e.HResult is FileExists or FileExistsWindows)
        {
            // Its owner may just have removed it: then it is nobody's, and the next try gets it.
            if (!watch.IsDead(file, out ClaimOwner? dead) || !TryBury(file, dead, text))
            {
                return null;
            }
            // Where the file system has no locks two may have got here; the later writer has it.
            Thread.Sleep(100);
        }
        // Whoever reads its own token back has it, whatever happened to the file meanwhile.
        return Look(file).Owner?.Token == me.Token ? new Claimed(file, me.Token) : null;
    }

    /// <summary>Whether a claim looks alive at first sight; for display, because the clocks of two machines may disagree.</summary>
    public static bool LooksAlive(string file) =>
        Look(file) is (var owner, { } beat) && (owner?.IsAlive() ?? DateTime.UtcNow - beat < ClaimWatch.DeadAfter);

    /// <summary>For people: <c>process 12 on box</c>.</summary>
    public static string Describe(string file) => Look(file).Owner?.ToString() ?? "another process";

    /// <summary>Owner and heartbeat; the owner is null while it cannot be read, the heartbeat when there is no claim.</summary>
    public static (ClaimOwner? Owner, DateTime? Beat) Look(string file)
    {
        try
        {
            // Opening is what makes network file systems ask the server again.
            using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return (Parse(stream), File.GetLastWriteTimeUtc(stream.SafeFileHandle));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, null);
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

    /// <summary>Looks now, before anything final is written, whether another process has the claim.</summary>
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
            // The lock keeps a rival from burying the claim between the look and the removal.
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

    // In place and under a lock: a rival that found the same dead claim reads the new owner when its turn comes.
    private static bool TryBury(string file, ClaimOwner? dead, byte[] text)
    {
        try
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            if (Parse(stream)?.Token != dead?.Token)
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

    private static ClaimOwner? Parse(FileStream stream)
    {
        try
        {
            return stream.Length is > 0 and < 4096 ? JsonSerializer.Deserialize<ClaimOwner>(stream, RunFolder.Json) : null;
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
            // A missed beat; the next comes in ten seconds, and a claim holds for thirty of them.
        }
    }
}
