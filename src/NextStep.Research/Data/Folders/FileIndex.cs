using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace NextStep.Research;

/// <summary>
/// Facts about the files of a folder, kept in the user's cache folder between runs and looked up by path, length and time of change. A file
/// that was changed within the last two seconds is not kept: it may be changed again without another time. The cache folder is
/// <c>NEXTSTEP_CACHE</c>, else <c>nextstep</c> below <c>XDG_CACHE_HOME</c> or <c>~/.cache</c> (Windows: local application data); it can be
/// deleted at any time, and where it cannot be written every opening looks at all files anew.
/// </summary>
internal sealed class FileIndex
{
    private const string Magic = "nextstep file index 2";
    private const int MostAtOnce = 1 << 20;
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    private static volatile Loaded? _last;

    private readonly string _file;
    private readonly ConcurrentDictionary<string, Entry> _entries;
    private int _new;

    private FileIndex(string file, ConcurrentDictionary<string, Entry> entries) => (_file, _entries) = (file, entries);

    /// <summary>The cache folder.</summary>
    public static string Cache
    {
        get
        {
            string? own = Environment.GetEnvironmentVariable("NEXTSTEP_CACHE"), xdg = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            return !string.IsNullOrEmpty(own) ? own
                : OperatingSystem.IsWindows() ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "nextstep")
                : Path.Combine(!string.IsNullOrEmpty(xdg) ? xdg : Path.Combine(home, ".cache"), "nextstep");
        }
    }

    /// <summary>How many files were looked at because nothing was known about them.</summary>
    public int Looked => _new;

    /// <summary>The index of a folder; one that was read already and did not change since is not read again.</summary>
    public static FileIndex Of(string folder)
    {
        string file = Path.Combine(Cache, "files", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(DataPath.Real(folder))))[..24] + ".index");
        FileState state = FileState.Of(file);
        if (_last is not { } last || last.State != state)
        {
            _last = last = new Loaded(state, Read(file));
        }
        return new FileIndex(file, last.Entries);
    }

    /// <summary>Facts by file, in order; what is not known is found out, several files at a time.</summary>
    /// <param name="files">The files.</param>
    /// <param name="find">Finds out; may throw <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>, which become the problem.</param>
    public FileFacts[] Facts(IReadOnlyList<FolderFile> files, Func<FolderFile, FileFacts> find) => Facts(files, f => f.Path, f => f, find);

    /// <summary>Facts about parts of files, each with a key of its own.</summary>
    public FileFacts[] Facts<T>(IReadOnlyList<T> parts, Func<T, string> key, Func<T, FolderFile> file, Func<T, FileFacts> find)
    {
        FileFacts[] facts = new FileFacts[parts.Count];
        List<int> unknown = [];
        for (int i = 0; i < facts.Length; i++)
        {
            FolderFile of = file(parts[i]);
            if (_entries.TryGetValue(key(parts[i]), out Entry? entry) && entry.Bytes == of.Bytes && entry.Modified == of.Modified)
            {
                facts[i] = entry.Facts;
            }
            else
            {
                unknown.Add(i);
            }
        }
        DateTime settled = DateTime.UtcNow - Settled;
        Parallel.ForEach(unknown, i =>
        {
            try
            {
                facts[i] = find(parts[i]);
                FolderFile of = file(parts[i]);
                if (of.Modified < settled)
                {
                    _entries[key(parts[i])] = new Entry(of.Bytes, of.Modified, facts[i]);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                facts[i] = new FileFacts("", 0, 0, e.Message); // may be another thing next time
            }
        });
        _new += unknown.Count;
        return facts;
    }

    /// <summary>Keeps what is new.</summary>
    public void Save()
    {
        if (_new == 0)
        {
            return;
        }
        try
        {
            AtomicFile.Write(_file, Write, durable: false);
            _last = new Loaded(FileState.Of(_file), _entries);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Only a cache: the next opening looks at all files anew.
        }
    }

    private void Write(Stream stream)
    {
        using BinaryWriter writer = new(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write(Magic);
        KeyValuePair<string, Entry>[] all = [.. _entries];
        writer.Write(all.Length);
        foreach ((string key, Entry entry) in all)
        {
            writer.Write(key);
            writer.Write(entry.Bytes);
            writer.Write(entry.Modified.Ticks);
            writer.Write(entry.Facts.Sha256);
            writer.Write(entry.Facts.Width);
            writer.Write(entry.Facts.Height);
            writer.Write(entry.Facts.Problem ?? "");
            writer.Write(entry.Facts.Content?.Length ?? -1);
            writer.Write(entry.Facts.Content ?? []);
        }
    }

    private static ConcurrentDictionary<string, Entry> Read(string file)
    {
        ConcurrentDictionary<string, Entry> entries = new(StringComparer.Ordinal);
        try
        {
            if (!File.Exists(file))
            {
                return entries;
            }
            using BinaryReader reader = new(new MemoryStream(File.ReadAllBytes(file)), Encoding.UTF8);
            if (reader.ReadString() != Magic)
            {
                return entries;
            }
            int left = reader.ReadInt32();
            entries = new(Environment.ProcessorCount, Math.Clamp(left, 1, MostAtOnce), StringComparer.Ordinal);
            for (; left > 0; left--)
            {
                string key = reader.ReadString();
                long bytes = reader.ReadInt64();
                DateTime modified = new(reader.ReadInt64(), DateTimeKind.Utc);
                FileFacts facts = new(reader.ReadString(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadString() is { Length: > 0 } p ? p : null);
                int content = reader.ReadInt32();
                entries[key] = new Entry(bytes, modified, content < 0 ? facts : facts with { Content = reader.ReadBytes(content) });
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or FormatException)
        {
            entries.Clear(); // damaged: everything is looked at anew
        }
        return entries;
    }

    private sealed record Loaded(FileState State, ConcurrentDictionary<string, Entry> Entries);

    private readonly record struct FileState(string Path, DateTime Modified, long Bytes)
    {
        public static FileState Of(string file) => new FileInfo(file) is { Exists: true } there ? new(file, there.LastWriteTimeUtc, there.Length) : new(file, default, 0);
    }

    private sealed record Entry(long Bytes, DateTime Modified, FileFacts Facts);
}
