namespace NextStep.Research.Experiments;

/// <summary>A claim of the paper as an experiment file.</summary>
/// <param name="Name">That of the file, without its ending.</param>
/// <param name="Path">The experiment file.</param>
/// <param name="Results">Where its numbers are kept, there or not.</param>
/// <param name="Picture">Where its sheet of drawn pictures is kept, there or not.</param>
internal sealed record ClaimFile(string Name, string Path, string Results, string Picture);

/// <summary>The folder <c>experiments</c> of a source tree: <c>claims/</c>, <c>results/</c> and <c>pictures/</c>; another collection has its results and pictures in itself.</summary>
/// <param name="path">The folder.</param>
/// <param name="collection">The folder in it that holds the experiment files.</param>
internal sealed class ClaimFolder(string path, string collection = ClaimFolder.Paper)
{
    /// <summary>The collection of what the paper claims.</summary>
    public const string Paper = "claims";

    private string Kept => collection == Paper ? path : System.IO.Path.Combine(path, collection);

    private string ResultsFolder => System.IO.Path.Combine(Kept, "results");

    /// <summary>All claims, by name.</summary>
    /// <exception cref="ConfigException">There is no folder of claims, or none in it.</exception>
    public IReadOnlyList<ClaimFile> All()
    {
        string claims = System.IO.Path.Combine(path, collection);
        string[] files = Directory.Exists(claims) ? [.. Directory.EnumerateFiles(claims, "*.yaml").Order(StringComparer.Ordinal)] : [];
        return files.Length == 0
            ? throw new ConfigException(new ConfigError(claims, 0, "", "holds no experiment files; start from the folder of the source tree, or give --experiments DIR"))
            : [.. files.Select(f => Of(System.IO.Path.GetFileNameWithoutExtension(f), f))];
    }

    /// <summary>The claims of these names; all where none is given.</summary>
    /// <exception cref="ConfigException">A name is unknown.</exception>
    public IReadOnlyList<ClaimFile> Choose(IReadOnlyList<string> names)
    {
        IReadOnlyList<ClaimFile> all = All();
        string[] known = [.. all.Select(c => c.Name)];
        ConfigError[] unknown = [.. names.Except(known).Select(n => new ConfigError("reproduce", 0, n, "is no claim" + NearestName.Hint(n, known)))];
        return unknown.Length > 0 ? throw new ConfigException(unknown) : names.Count == 0 ? all : [.. all.Where(c => names.Contains(c.Name))];
    }

    /// <summary>Files of results that belong to no claim, each as a sentence.</summary>
    public IEnumerable<string> Strays()
    {
        string[] known = [.. All().Select(c => c.Name)];
        return !Directory.Exists(ResultsFolder) ? [] : Directory.EnumerateFiles(ResultsFolder, "*.json").Order(StringComparer.Ordinal)
            .Where(f => !known.Contains(System.IO.Path.GetFileNameWithoutExtension(f)))
            .Select(f => $"{f}: belongs to no claim{NearestName.Hint(System.IO.Path.GetFileNameWithoutExtension(f), known)}");
    }

    private ClaimFile Of(string name, string file) =>
        new(name, file, System.IO.Path.Combine(ResultsFolder, name + ".json"), System.IO.Path.Combine(Kept, "pictures", name + ".png"));
}
