using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using TorchSharp;

namespace NextStep.Research.Experiments;

/// <summary>
/// What a config value stands for outside of the configuration: the pictures of a folder, the weights of a network. A stage that
/// reads the value has the content in its key, so that nothing made from other bytes is taken for its result.
/// </summary>
/// <param name="Path">The config path.</param>
/// <param name="IsName">Whether the value only says where the content lies: then it is not in the key itself, and a folder may be moved.</param>
/// <param name="Inputs">The config values on which the identity depends; looked up once for each combination of them.</param>
/// <param name="Identity">A text that changes with the content; null where the configuration reads none.</param>
/// <param name="Check">Throws where the content cannot be used, as far as that is seen at once.</param>
internal sealed record Content(string Path, bool IsName, IReadOnlyList<string> Inputs, Func<ResearchConfig, string?> Identity, Action<ResearchConfig> Check)
{
    private const string NetworkPath = "evaluation.network";

    private static readonly ConcurrentDictionary<string, Lazy<string>> Networks = new();

    /// <summary>All that results can depend on beside configuration and code. What else comes from outside is added here and nowhere else.</summary>
    public static IReadOnlyList<Content> All { get; } =
    [
        new("data.path", true, ["data.source", "data.path"], config => ReadsFolder(config.Data) ? Files(config.Data) : null, CheckFolder),
        new("model.tokenizer.folder", true, ["model.tokenizer"], config => config.Model.Tokenizer is QwenVocabulary q ? FileContents.OfTokenizer(DataPath.Absolute(q.Folder)) : null,
            config => _ = config.Model.Tokenizer is QwenVocabulary q ? QwenTokenizer.Load(DataPath.Absolute(q.Folder)) : null),
        new("training.autoencoder.start", true, ["training.autoencoder.start"], config => config.Training.Autoencoder.Start is { } start ? FileContents.OfAutoencoder(ShippedModel.FolderOf(start)) : null,
            CheckAutoencoder),
        new("training.model.start", true, ["training.model.start"], config => config.Training.Model.Start is { } start ? FileContents.OfModel(ShippedModel.FolderOf(start)) : null,
            CheckStart),
        new("training.post.start", true, ["training.post.start", "data.imageSize"], config => config.Training.Post.Start is { } start ? FileContents.OfModel(ShippedModel.FolderOf(start)) : null,
            CheckPostStart),
        new(NetworkPath, true, [NetworkPath, "evaluation.networkSize", "evaluation.networkMean", "evaluation.networkDeviation", "data.imageSize"], Network, config => Network(config)),
    ];

    /// <summary>Whether a path's value only says where something lies.</summary>
    public static bool IsNameOnly(string path) => All.Any(c => c.IsName && c.Path == path);

    /// <summary>The same configuration for a worker with another current folder.</summary>
    public static ResearchConfig WithFullPaths(ResearchConfig config) => All.Where(c => c.IsName).Aggregate(config, (all, c) =>
        ConfigPath.TryGet(all, c.Path, out object? value) && value is string { Length: > 0 } name && name != (c.Path == NetworkPath ? ResNet18Network.Name : c.Path.EndsWith(".start", StringComparison.Ordinal) ? ShippedModel.Name : null) ? ConfigPath.Set(all, c.Path, DataPath.Absolute(name)) : all);

    private static bool ReadsFolder(DataConfig data) => data.Source.ReadsFolder;

    private static string Files(DataConfig data)
    {
        SourceIdentity identity = ImageSources.Identity(data);
        return FormattableString.Invariant($"{identity.Files.Count} files, sha256 {identity.Hash}");
    }

    private static void CheckFolder(ResearchConfig config)
    {
        if (ReadsFolder(config.Data) && string.IsNullOrWhiteSpace(config.Data.Path))
        {
            throw new ArgumentException($"data.path is empty; the source {ComponentCatalog.NameOf(config.Data.Source.GetType())} needs a folder");
        }
        if (ReadsFolder(config.Data) && !Directory.Exists(DataPath.Absolute(config.Data.Path!)))
        {
            throw new DirectoryNotFoundException($"the data folder '{config.Data.Path}' does not exist");
        }
    }

    private static void CheckAutoencoder(ResearchConfig config)
    {
        if (config.Training.Autoencoder.Start is { } start)
        {
            StartWeights.CheckAutoencoder(config.Autoencoder, ShippedModel.FolderOf(start));
        }
    }

    // By names and shapes, which a model without memory has too.
    private static void CheckStart(ResearchConfig config)
    {
        if (config.Training.Model.Start is { } start)
        {
            string folder = ReleasedFolder.Resolve(ShippedModel.FolderOf(start));
            using NextStepModel model = new(ModelSizes.Resolve(config.Model, config.Autoencoder, new ByteTokenizer()), torch.META);
            StartWeights.Check(model, folder);
        }
    }

    private static void CheckPostStart(ResearchConfig config)
    {
        if (config.Training.Post.Start is not { } start)
        {
            return;
        }
        FolderSettings settings = ReleasedFolder.Settings(ShippedModel.FolderOf(start));
        if (settings.ImageSize is { } side && side != config.Data.ImageSize)
        {
            throw new ArgumentException($"the model in {start} draws pictures of {side} pixels; set data.imageSize to {side}");
        }
    }

    // Opened once a process, and tried on two grey pictures, so that a network of other shapes is refused before anything is trained. What
    // its file, the external weights and the way it is fed come to, the network says itself.
    private static string? Network(ResearchConfig config)
    {
        EvaluationConfig evaluation = config.Evaluation;
        if (evaluation.Network is null)
        {
            return null;
        }
        FileInfo file = new(DataPath.Absolute(evaluation.Network));
        string state = string.Create(CultureInfo.InvariantCulture, $"{file.FullName} {(file.Exists ? file.Length : 0)} {file.LastWriteTimeUtc.Ticks} {config.Data.ImageSize} "
            + $"{evaluation.NetworkSize} {string.Join(',', evaluation.NetworkMean)} {string.Join(',', evaluation.NetworkDeviation)}");
        return Networks.GetOrAdd(state, _ => new Lazy<string>(() =>
        {
            using DisposeScope scope = torch.NewDisposeScope();
            using IFeatureNetwork network = evaluation.OpenNetwork();
            torch.Tensor features = network.Features(torch.zeros(2, 3, config.Data.ImageSize, config.Data.ImageSize));
            return features.dim() == 2 && features.size(0) == 2 && features.isfinite().all().item<bool>()
                ? $"sha256 {network.Sha256}"
                : throw new InvalidDataException($"The ONNX model '{evaluation.Network}' gives no finite features [n, d] for grey pictures of {config.Data.ImageSize} pixels.");
        })).Value;
    }
}

/// <summary>Looks up contents, and which stages read what, each once: thousands of keys of one plan ask the same.</summary>
internal sealed class ContentReader
{
    private readonly Dictionary<string, string?> _known = [];
    private readonly Dictionary<string, bool> _keepsBits = [];
    private readonly Dictionary<(string Stage, string Path), bool> _reads = [];
    private readonly Dictionary<(string Path, string Value), string> _versions = [];
    private static readonly IReadOnlyDictionary<string, string> LaterDefaults = ConfigPath.Texts(new ResearchConfig())
        .Where(t => ConfigSchema.Find(t.Key)?.IsLater == true).ToDictionary(t => t.Key, t => t.Value, StringComparer.Ordinal);

    /// <summary>Whether no result depends on the value at a path.</summary>
    public bool KeepsBits(string path) => _keepsBits.TryGetValue(path, out bool known) ? known : _keepsBits[path] = ConfigSchema.Find(path)?.KeepsBits == true;

    /// <summary>What a component's name lacks: that its results are of a later kind; see <see cref="ResultsVersionAttribute"/>.</summary>
    public string VersionOf(string path, string value) => _versions.TryGetValue((path, value), out string? known) ? known : _versions[(path, value)] =
        ConfigSchema.Find(path) is { IsComponent: true } key && ComponentCatalog.Find(key.Type, value)?.GetCustomAttribute<ResultsVersionAttribute>() is { } later
            ? string.Create(CultureInfo.InvariantCulture, $", version {later.Version}") : "";

    /// <summary>Whether a value is the default of an option that older versions did not have; see <see cref="LaterOptionAttribute"/>.</summary>
    public static bool IsOlderDefault(string path, string value) => LaterDefaults.GetValueOrDefault(path) == value;

    /// <summary>As <see cref="StageSharing.Reads"/>.</summary>
    public bool Reads(StageDefinition stage, string path) =>
        _reads.TryGetValue((stage.Kind, path), out bool known) ? known : _reads[(stage.Kind, path)] = StageSharing.Reads(stage, path);

    /// <summary>The identities of what a configuration reads, by config path.</summary>
    /// <exception cref="IOException">A folder or file is not there or cannot be read.</exception>
    /// <exception cref="InvalidDataException">It cannot be used; the message says why.</exception>
    public IReadOnlyDictionary<string, string> Of(ResearchConfig config) =>
        Content.All.Select(c => (c.Path, Identity: Of(c, config))).Where(c => c.Identity is not null).ToDictionary(c => c.Path, c => c.Identity!);

    /// <summary>That of one config path; null where the configuration reads nothing there.</summary>
    public string? Of(Content content, ResearchConfig config)
    {
        string key = content.Path + string.Concat(content.Inputs.Select(i => $"\n{ConfigValue.Format(ConfigPath.Get(config, i))}"));
        return _known.TryGetValue(key, out string? known) ? known : _known[key] = content.Identity(config);
    }
}
