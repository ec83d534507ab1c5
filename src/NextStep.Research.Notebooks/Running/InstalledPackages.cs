using System.Text.Json;

namespace NextStep.Research.Notebooks;

/// <summary>The packages that this program was built with, by its <c>.deps.json</c>.</summary>
internal static class InstalledPackages
{
    private static readonly Lazy<IReadOnlyDictionary<string, string>> Versions = new(Read);

    /// <summary>What is wrong with <c>Id, Version</c> as a notebook names it; null when it is what the solution pins.</summary>
    public static string? Problem(string reference)
    {
        string[] parts = [.. reference.Split(',').Select(p => p.Trim())];
        if (!Versions.Value.TryGetValue(parts[0], out string? installed))
        {
            return $"package {parts[0]} is not part of this solution; add it to Directory.Packages.props and to the Notebooks project";
        }
        return parts.Length < 2 ? $"name the version of package {parts[0]}: the solution has {installed}"
            : parts[1] != installed ? $"package {parts[0]} is {installed} in this solution, not {parts[1]}" : null;
    }

    private static Dictionary<string, string> Read()
    {
        Dictionary<string, string> versions = new(StringComparer.OrdinalIgnoreCase);
        string file = ((AppContext.GetData("APP_CONTEXT_DEPS_FILES") as string) ?? "").Split(';')[0];
        if (!File.Exists(file))
        {
            throw new InvalidOperationException("This program has no .deps.json beside it, so that package versions cannot be checked.");
        }
        using JsonDocument dependencies = JsonDocument.Parse(File.ReadAllBytes(file));
        foreach (JsonProperty library in dependencies.RootElement.GetProperty("libraries").EnumerateObject())
        {
            if (library.Name.Split('/') is [{ } id, { } version] && library.Value.GetProperty("type").GetString() == "package")
            {
                versions[id] = version;
            }
        }
        return versions;
    }
}
