namespace NextStep.Research;

/// <summary>
/// Files of other packages when this assembly lies in a NuGet folder itself, <c>ROOT/nextstep.research/VERSION/lib/net10.0</c>: in a notebook
/// that says <c>#r "nuget: …"</c>. In an output folder everything lies beside it, and nothing is found here.
/// </summary>
internal static class PackageFolders
{
    private static readonly string[] Roots = [.. new[] { Root(typeof(PackageFolders).Assembly.Location), Environment.GetEnvironmentVariable("NUGET_PACKAGES") }
        .Concat((Environment.GetEnvironmentVariable("NUGET_FALLBACK_PACKAGES") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        .OfType<string>().Where(Directory.Exists).Distinct()];

    /// <summary>Whether this assembly came as a package.</summary>
    public static bool AreUsed => Root(typeof(PackageFolders).Assembly.Location) is not null;

    /// <summary>A file of the newest version of a package that has it; null where there is none.</summary>
    /// <param name="package">Its id.</param>
    /// <param name="path">Below the version's folder.</param>
    public static string? Find(string package, string path) => Roots.Select(r => Path.Combine(r, package.ToLowerInvariant())).Where(Directory.Exists)
        .SelectMany(Directory.GetDirectories).Select(d => (Version: Version.TryParse(Path.GetFileName(d), out Version? v) ? v : null, File: Path.Combine(d, path)))
        .Where(f => f.Version is not null && File.Exists(f.File)).OrderByDescending(f => f.Version).Select(f => f.File).FirstOrDefault();

    /// <summary>The NuGet folder that an assembly lies in, <c>ROOT/ID/VERSION/lib/FRAMEWORK/FILE</c>, or null.</summary>
    internal static string? Root(string assembly) =>
        Path.GetFullPath(assembly).Split(Path.DirectorySeparatorChar) is [.. { Length: > 0 } root, { } id, { } version, "lib", _, { } file]
        && Version.TryParse(version, out _) && string.Equals(id + ".dll", file, StringComparison.OrdinalIgnoreCase)
            ? string.Join(Path.DirectorySeparatorChar, root) : null;
}
