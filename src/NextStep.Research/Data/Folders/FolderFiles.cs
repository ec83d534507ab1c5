namespace NextStep.Research;

/// <summary>One file below a folder.</summary>
/// <param name="Name">Relative to the folder, with forward slashes.</param>
/// <param name="Path">The file itself, links resolved.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Modified">When it was changed last, UTC.</param>
internal sealed record FolderFile(string Name, string Path, long Bytes, DateTime Modified);

/// <summary>
/// All files below a folder at any depth, by name. Links to files and folders are followed and every file is listed once: by its own
/// place where it has one below the folder, else by the first link that leads to it. Hidden files and folders are never listed, nor those
/// that file managers and archivers leave behind.
/// </summary>
internal sealed class FolderFiles
{
    private static readonly string[] Hidden = ["__MACOSX", "@eaDir", "@Recycle", "#recycle", "#snapshot", "$RECYCLE.BIN", "System Volume Information", "lost+found"];

    /// <summary>The reason for which a second way to a file is not followed.</summary>
    public const string ReadAlready = "the link leads to what is read already";

    private readonly List<FolderFile> _files = [];
    private readonly List<UnreadablePicture> _unread = [];
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly Queue<(FileSystemInfo Link, string Name)> _links = new();

    private FolderFiles(string folder)
    {
        string real = DataPath.Real(folder);
        _seen.Add(real);
        Walk(new DirectoryInfo(real), "");
        while (_links.TryDequeue(out (FileSystemInfo Link, string Name) next))
        {
            Follow(next.Link, next.Name);
        }
        _files.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        _unread.Sort((a, b) => string.CompareOrdinal(a.File, b.File));
    }

    /// <summary>By name, ordinal.</summary>
    public IReadOnlyList<FolderFile> Files => _files;

    /// <summary>Folders and links that could not be followed, or lead to what is listed already.</summary>
    public IReadOnlyList<UnreadablePicture> Unread => _unread;

    /// <summary>Lists a folder.</summary>
    public static FolderFiles Of(string folder) => new(folder);

    /// <summary>Whether a file or folder of this name is left alone.</summary>
    public static bool IsHidden(string name) => name.StartsWith('.') || Hidden.Contains(name, StringComparer.OrdinalIgnoreCase);

    private void Walk(DirectoryInfo folder, string prefix)
    {
        FileSystemInfo[] entries;
        try
        {
            entries = [.. folder.EnumerateFileSystemInfos().Where(e => !IsHidden(e.Name)).OrderBy(e => e.Name, StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            _unread.Add(new UnreadablePicture(prefix.Length == 0 ? folder.Name : prefix, "the folder cannot be opened"));
            return;
        }
        foreach (FileSystemInfo entry in entries)
        {
            string name = prefix + entry.Name;
            if (entry.Attributes.HasFlag(FileAttributes.ReparsePoint) && entry.LinkTarget is not null)
            {
                _links.Enqueue((entry, name));
            }
            else
            {
                Add(entry, name);
            }
        }
    }

    private void Follow(FileSystemInfo link, string name)
    {
        try
        {
            string target = DataPath.Real(link.FullName);
            if (Directory.Exists(target))
            {
                Add(new DirectoryInfo(target), name);
            }
            else if (File.Exists(target))
            {
                Add(new FileInfo(target), name);
            }
            else
            {
                _unread.Add(new UnreadablePicture(name, "the link leads nowhere"));
            }
        }
        catch (IOException)
        {
            _unread.Add(new UnreadablePicture(name, "the link leads nowhere"));
        }
    }

    private void Add(FileSystemInfo entry, string name)
    {
        if (!_seen.Add(entry.FullName))
        {
            _unread.Add(new UnreadablePicture(name, ReadAlready));
        }
        else if (entry is DirectoryInfo folder)
        {
            Walk(folder, name + "/");
        }
        else if (entry is FileInfo file)
        {
            _files.Add(new FolderFile(name, file.FullName, file.Length, file.LastWriteTimeUtc));
        }
    }
}
