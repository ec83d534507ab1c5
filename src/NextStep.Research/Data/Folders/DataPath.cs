namespace NextStep.Research;

/// <summary>
/// Where a user's files lie, one rule for every path: <c>~</c> is the home folder, a relative path starts at the current folder, a
/// separator at the end means nothing, and what a link points to is used.
/// </summary>
internal static class DataPath
{
    private const int MostLinks = 40;

    /// <summary>The absolute path, links left as they are.</summary>
    public static string Absolute(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        string expanded = path == "~" || path.StartsWith("~/", StringComparison.Ordinal) || path.StartsWith("~\\", StringComparison.Ordinal)
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), path[1..].TrimStart('/', '\\'))
            : path;
        return Path.TrimEndingDirectorySeparator(Path.GetFullPath(expanded));
    }

    /// <summary>The absolute path with every link on the way replaced by what it points to.</summary>
    /// <exception cref="IOException">A link leads nowhere or in a circle.</exception>
    internal static string Real(string path) => Real(Absolute(path), 0);

    private static string Real(string path, int depth)
    {
        if (depth > MostLinks)
        {
            throw new IOException("the link leads in a circle");
        }
        string root = Path.GetPathRoot(path)!, real = root;
        foreach (string part in path[root.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            string next = Path.Combine(real, part);
            FileSystemInfo? target = new FileInfo(next).LinkTarget is null ? null : File.ResolveLinkTarget(next, returnFinalTarget: true);
            real = target is null ? next : Real(target.FullName, depth + 1);
        }
        return real;
    }
}
