using System.IO.Enumeration;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>What a model's training starts from, and what of it stays as it is.</summary>
public static class StartWeights
{
    private const string Head = "image_head.";

    /// <summary>Copies weights by name from a model's folder; what the folder lacks, and a head of other shapes, stays as it is.</summary>
    /// <param name="model">On the CPU, initialised.</param>
    /// <param name="tokenizer">Of the training; ids must mean the same in both.</param>
    /// <param name="folder">A released folder, or a cell's.</param>
    /// <param name="fresh">What is not to be copied: names, names of modules, or patterns with * and ?.</param>
    /// <returns>A sentence on what came and what did not.</returns>
    /// <exception cref="InvalidDataException">Nothing fits, a shape outside of the head is another, or the words of the tokenizers are.</exception>
    public static string Copy(NextStepModel model, TextTokenizer tokenizer, string folder, IReadOnlyList<string>? fresh = null)
    {
        string place = ReleasedFolder.Resolve(folder);
        if (tokenizer is WordTokenizer words && TextTokenizerFiles.Exists(place) && !(TextTokenizerFiles.Load(place) is WordTokenizer theirs && theirs.Words.SequenceEqual(words.Words)))
        {
            throw new InvalidDataException($"the words of {place} are not those of this training's captions, so that its embedding table means others; train on the same data, or choose model.tokenizer: byte for both.");
        }
        using TensorSource source = AverageWeights.Open(place, null, []);
        using IDisposable guard = no_grad();
        (string Name, Parameter Parameter)[] weights = [.. model.named_parameters().Select(p => (p.name, p.parameter))], wanted = [.. weights.Where(w => !(fresh ?? []).Any(f => Fits(f, w.Name)))];
        List<string> left = [.. weights.Except(wanted).Select(w => w.Name), .. Fit(wanted, source, place, out List<(Parameter To, string From)> found)];
        foreach ((Parameter to, string from) in found)
        {
            using Tensor read = source.ReadCopy(from, to.dtype);
            to.copy_(read);
        }
        return $"{found.Count} weights start from {place}{(left.Count == 0 ? "" : $"; first weights: {string.Join(", ", left.Select(Module).Distinct())}")}";
    }

    /// <summary>Says what would be wrong, from the names and shapes alone; the vocabulary's tables are left out, since their size is known with the captions.</summary>
    /// <exception cref="InvalidDataException">As for <see cref="Copy"/>.</exception>
    public static void Check(NextStepModel model, string folder)
    {
        string place = ReleasedFolder.Resolve(folder);
        using TensorSource source = AverageWeights.Open(place, null, []);
        Fit(model.named_parameters().Where(p => !WeightNames.IsTable(p.name)).Select(p => (p.name, p.parameter)), source, place, out _);
    }

    /// <summary>An autoencoder of the configuration with the weights of a folder's, on the CPU.</summary>
    /// <param name="config">The configuration; normalization and patch may be others than the folder's, as they have no weights.</param>
    /// <param name="folder">A model's folder, or a <c>vae</c> folder, in either naming.</param>
    /// <param name="fitted">Whether the statistics of the normalization came along.</param>
    /// <exception cref="InvalidDataException">The shapes are others.</exception>
    public static ImageAutoencoder Autoencoder(AutoencoderConfig config, string folder, out bool fitted)
    {
        string place = AutoencoderFolder(folder);
        using ImageAutoencoder from = ReleasedFolder.LoadAutoencoder(place, config.PatchSize);
        Dictionary<string, Tensor> given = from.state_dict();
        ImageAutoencoder autoencoder = new(config, null, given.ContainsKey("quant_conv.weight"), given.ContainsKey("post_quant_conv.weight"));
        using IDisposable guard = no_grad();
        Dictionary<string, Tensor> wanted = autoencoder.state_dict();
        CheckShapes(wanted, given, place);
        foreach ((string name, Tensor to) in wanted.Where(w => given.ContainsKey(w.Key)))
        {
            to.copy_(given[name]);
        }
        fitted = wanted.Keys.Where(IsStatistic).All(given.ContainsKey);
        return autoencoder;
    }

    /// <summary>Says what would be wrong, from the names and shapes of the folder's configuration.</summary>
    /// <exception cref="InvalidDataException">As for <see cref="Autoencoder"/>.</exception>
    public static void CheckAutoencoder(AutoencoderConfig config, string folder)
    {
        string place = AutoencoderFolder(folder);
        using ImageAutoencoder wanted = new(config, META), given = new(ReleasedConfig.ReadAutoencoder(Path.Combine(place, "config.json"), config.PatchSize), META);
        CheckShapes(wanted.state_dict(), given.state_dict(), place);
    }

    /// <summary>The folder's <c>vae</c>, or the folder itself.</summary>
    /// <exception cref="FileNotFoundException">It holds no configuration.</exception>
    public static string AutoencoderFolder(string folder)
    {
        string[] places = [Path.Combine(folder, "vae"), Path.Combine(folder, "checkpoint", "vae"), Path.Combine(folder, "model", "vae"), folder];
        return places.FirstOrDefault(p => File.Exists(Path.Combine(p, "config.json")))
            ?? throw new FileNotFoundException($"{folder} holds no autoencoder: config.json is missing, there and in vae/.");
    }

    private static bool IsStatistic(string name) => name.StartsWith("normalization.", StringComparison.Ordinal);

    private static void CheckShapes(Dictionary<string, Tensor> wanted, Dictionary<string, Tensor> given, string place)
    {
        foreach ((string name, Tensor tensor) in wanted.Where(w => !IsStatistic(w.Key)))
        {
            if (!given.TryGetValue(name, out Tensor? other) || !other.shape.SequenceEqual(tensor.shape))
            {
                string theirs = other is null ? "is not" : $"has the shape [{string.Join(", ", other.shape)}]";
                throw new InvalidDataException($"{name} {theirs} in {place}, but [{string.Join(", ", tensor.shape)}] here; give autoencoder.width, multipliers, blocksPerLevel and latentChannels as they are there.");
            }
        }
    }

    /// <summary>Takes the frozen weights out of training.</summary>
    /// <exception cref="ArgumentException">A pattern fits no weight, or all are frozen.</exception>
    public static void Freeze(NextStepModel model, IReadOnlyList<string> patterns)
    {
        ArgumentNullException.ThrowIfNull(model);
        string[] names = [.. model.named_parameters().Select(p => p.name)];
        if (Unknown(names, patterns) is [{ } unknown, ..])
        {
            throw new ArgumentException($"frozen: no weight is called '{unknown}'; there are {string.Join(", ", names.Select(Module).Distinct())}.", nameof(patterns));
        }
        foreach ((string name, Parameter parameter) in model.named_parameters())
        {
            parameter.requires_grad = !patterns.Any(p => Fits(p, name));
        }
    }

    /// <summary>The patterns that fit none of the names.</summary>
    public static IReadOnlyList<string> Unknown(IReadOnlyList<string> names, IReadOnlyList<string> patterns) => [.. patterns.Where(p => !names.Any(n => Fits(p, n)))];

    private static bool Fits(string pattern, string name) =>
        FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false) || FileSystemName.MatchesSimpleExpression(pattern + ".*", name, ignoreCase: false);

    private static List<string> Fit(IEnumerable<(string Name, Parameter Parameter)> weights, TensorSource source, string place, out List<(Parameter To, string From)> found)
    {
        Dictionary<string, string> stored = [];
        foreach (string name in source.Entries.Keys)
        {
            if (WeightNames.OfModel(name) is { } ours)
            {
                stored.TryAdd(ours, name);
            }
        }
        List<string> left = [];
        found = [];
        foreach ((string name, Parameter parameter) in weights)
        {
            if (!stored.TryGetValue(name, out string? from))
            {
                left.Add(name);
            }
            else if (source.Entries[from].Shape.SequenceEqual(parameter.shape))
            {
                found.Add((parameter, from));
            }
            else
            {
                left.Add(name.StartsWith(Head, StringComparison.Ordinal) ? name : throw new InvalidDataException(
                    $"{name} has the shape [{string.Join(", ", source.Entries[from].Shape)}] in {place}, but [{string.Join(", ", parameter.shape)}] here; give the model the same size and tokenizer."));
            }
        }
        return found.Count > 0 ? left : throw new InvalidDataException($"no weight of {place} has a name of this model.");
    }

    // layers.3.self_attn.q_proj.weight is of layers, image_head.net.0.bias of image_head.
    private static string Module(string name) => name.Split('.')[0];
}
