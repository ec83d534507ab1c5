using System.Collections.Concurrent;
using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>
/// What a config value stands for outside of the configuration: the pictures of a folder, the weights of a network. A stage that
/// reads the value has the content in its key, so that nothing made from other bytes is taken for its result.
/// </summary>
/// <param name="Path">The config path.</param>
/// <param name="IsName">Whether the value only says where the content lies: then it is not in the key itself, and a folder may be moved.</param>
/// <param name="Identity">A text that changes with the content; null where the configuration reads none.</param>
internal sealed record Content(string Path, bool IsName, Func<ResearchConfig, string?> Identity)
{
    private static readonly ConcurrentDictionary<string, Lazy<string>> Networks = new();

    /// <summary>All that results can depend on beside configuration and code. What else comes from outside is added here and nowhere else.</summary>
    public static IReadOnlyList<Content> All { get; } =
    [
        new("data.path", true, config => config.Data.Source is DataSource.Folder or DataSource.Webdataset ? DataContents.Of(config.Data) : null),
        new("evaluation.network", true, config => config.Evaluation.Network is null ? null : NetworkOf(config.Evaluation)),
    ];

    /// <summary>Whether a path's value only says where something lies.</summary>
    public static bool IsNameOnly(string path) => All.Any(c => c.IsName && c.Path == path);

    /// <summary>The identities of a configuration by path; those that it reads.</summary>
    /// <exception cref="IOException">A folder or file is not there or cannot be read.</exception>
    /// <exception cref="InvalidDataException">It cannot be used; the message says why.</exception>
    public static IReadOnlyDictionary<string, string> Of(ResearchConfig config) =>
        All.Select(c => (c.Path, Identity: c.Identity(config))).Where(c => c.Identity is not null).ToDictionary(c => c.Path, c => c.Identity!);

    /// <summary>The same configuration for a worker with another current folder.</summary>
    public static ResearchConfig WithFullPaths(ResearchConfig config) => All.Where(c => c.IsName).Aggregate(config, (all, c) =>
        ConfigPath.Get(all, c.Path) is string { Length: > 0 } name ? ConfigPath.Set(all, c.Path, System.IO.Path.GetFullPath(name)) : all);

    // Opened once a process: what the file, its external weights and how it is fed come to, the network says itself.
    private static string NetworkOf(EvaluationConfig evaluation)
    {
        FileInfo file = new(System.IO.Path.GetFullPath(evaluation.Network!));
        string use = string.Create(CultureInfo.InvariantCulture,
            $"{file.FullName} {(file.Exists ? file.Length : 0)} {file.LastWriteTimeUtc.Ticks} {evaluation.NetworkSize} {string.Join(',', evaluation.NetworkMean)} {string.Join(',', evaluation.NetworkDeviation)}");
        return Networks.GetOrAdd(use, _ => new Lazy<string>(() =>
        {
            using IFeatureNetwork network = evaluation.OpenNetwork();
            return $"sha256 {network.Sha256}";
        })).Value;
    }
}
