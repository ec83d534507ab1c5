using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>A model with all it needs to draw.</summary>
/// <param name="Model">In evaluation mode.</param>
/// <param name="Autoencoder">In evaluation mode.</param>
/// <param name="Tokenizer">Of the folder.</param>
/// <param name="ImageSize">Side of the training pictures, where the folder says it.</param>
/// <param name="Sampling">The settings saved with the model, or the defaults.</param>
public sealed record LoadedModel(NextStepModel Model, ImageAutoencoder Autoencoder, TextTokenizer Tokenizer, int? ImageSize, SamplingConfig Sampling) : IDisposable
{
    /// <summary>What had to be chosen or was left aside while loading, a sentence each: a running average of the weights, another precision beside, things that are no tensors.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The prompt of an edit of one picture: the instruction, with the picture's marker where the model was trained to find it.</summary>
    public string EditPrompt(string instruction) => SequenceLayout.EditPrompt(instruction, Model.Config.EditLayout);

    /// <inheritdoc/>
    public void Dispose()
    {
        Model.Dispose();
        Autoencoder.Dispose();
    }
}

/// <summary>What a model folder says about drawing.</summary>
/// <param name="ImageSize">Side of the training pictures; null where the folder does not say it.</param>
/// <param name="PixelsPerToken">Sides of pictures are multiples of it.</param>
/// <param name="Sampling">The settings saved with the model, or the defaults.</param>
/// <param name="EditLayout">How edits were laid out in training.</param>
/// <param name="Distilled">How the distilled form in the folder draws, see <see cref="LoadOptions.Distilled"/>; null where there is none.</param>
internal sealed record FolderSettings(int? ImageSize, int PixelsPerToken, SamplingConfig Sampling, EditLayout EditLayout, SamplingConfig? Distilled);

/// <summary>How a folder is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>One device, or several over which the layers are spread in this order.</summary>
    public required IReadOnlyList<Device> Devices { get; init; }

    /// <summary>Of the model's weights; null = as stored. The autoencoder is always float32.</summary>
    public ScalarType? Dtype { get; init; } = ScalarType.Float32;

    /// <summary>Which weights, where the folder holds a running average of them too; null = the average.</summary>
    public WeightChoice? Weights { get; init; }

    /// <summary>
    /// The weights in the folder <c>distilled</c> of the model's, and the settings of its <c>config.json</c>, instead of its own: the same shapes, learned by
    /// <see cref="PostMethod.Distill"/>. Tokenizer and autoencoder are the model's.
    /// </summary>
    public bool Distilled { get; init; }

    /// <summary>Guidance branches × pictures drawn at once, for the memory check.</summary>
    public long Sequences { get; init; } = 2;

    /// <summary>Pixels of one picture, for the memory check; null = the training size, or 512 × 512.</summary>
    public long? Pixels { get; init; }

    /// <summary>Of the keys and values, as in <see cref="SamplingConfig.CacheBits"/>, for the memory check.</summary>
    public int? CacheBits { get; init; }

    /// <summary>Input pictures of that size in a sequence, for the memory check.</summary>
    public int InputPictures { get; init; }

    /// <summary>Told what drawing will need, before a byte of the weights is read.</summary>
    public Action<MemoryEstimate>? Estimated { get; init; }

    /// <summary>Told in a sentence what could not be checked.</summary>
    public Action<string>? Note { get; init; }

    /// <summary>Called with the bytes of weights read so far and in all.</summary>
    public Action<long, long>? Progress { get; init; }
}

/// <summary>
/// The folder layout of the released models: <c>config.json</c>, safetensors (one file or shards with an index), tokenizer files,
/// <c>vae/config.json</c> and <c>vae/checkpoint.pt</c>. Models trained here are saved in the same layout.
/// </summary>
public static partial class ReleasedFolder
{
    private const string ConfigFile = "config.json";
    private const string DistilledFolder = "distilled";
    private const long DefaultSide = 512;
    private const long SmallModel = 500_000_000;
    private static readonly HashSet<string> Optional = ["gen_pos_embed"];

    /// <summary>Writes a whole model folder.</summary>
    public static void Save(string folder, NextStepModel model, ImageAutoencoder autoencoder, TextTokenizer tokenizer, int imageSize, SamplingConfig sampling) =>
        Save(folder, [.. OutgoingTensor.From(model.state_dict())], model.Config, autoencoder, tokenizer, imageSize, sampling);

    private static void Save(
        string folder, IReadOnlyList<OutgoingTensor> tensors, NextStepConfig config, ImageAutoencoder autoencoder, TextTokenizer tokenizer, int imageSize, SamplingConfig sampling, WeightScheme? scheme = null)
    {
        ShardedCheckpoint.Write(folder, tensors, QuantizedWeights.Describe(new Dictionary<string, string>(), scheme));
        tokenizer.Save(folder);
        SaveAutoencoder(Path.Combine(folder, "vae"), autoencoder);
        AtomicFile.WriteText(Path.Combine(folder, ConfigFile), ReleasedConfig.Write(config, imageSize, sampling));
    }

    /// <summary>Puts other sampling settings into a model folder; nothing else of it changes, and a file that is shared by a link is left as it is.</summary>
    public static void SaveSampling(string folder, SamplingConfig sampling)
    {
        string file = Path.Combine(folder, ConfigFile);
        AtomicFile.WriteText(file, ReleasedConfig.WithSampling(file, sampling));
    }

    /// <summary>Writes the <c>vae</c> folder alone.</summary>
    public static void SaveAutoencoder(string folder, ImageAutoencoder autoencoder)
    {
        Directory.CreateDirectory(folder);
        TorchCheckpoint.Write(Path.Combine(folder, "checkpoint.pt"), autoencoder.state_dict());
        AtomicFile.WriteText(Path.Combine(folder, ConfigFile), ReleasedConfig.Write(autoencoder.Config));
    }

    /// <summary>Loads a whole model folder on one device, in evaluation mode.</summary>
    /// <param name="folder">The folder, or a trained cell's folder with a <c>checkpoint</c> in it.</param>
    /// <param name="device">Where the model runs.</param>
    /// <param name="dtype">Of the weights; the autoencoder stays in float32.</param>
    /// <exception cref="InvalidDataException">Files are missing, damaged, or do not fit each other; the message lists all.</exception>
    public static LoadedModel Load(string folder, Device? device = null, ScalarType dtype = ScalarType.Float32) =>
        Load(folder, new LoadOptions { Devices = [device ?? CPU], Dtype = dtype });

    /// <summary>
    /// Loads a whole model folder in evaluation mode: built without memory, then every tensor is read from the mapped file straight to its device, so that the host
    /// holds no more than one tensor of what runs elsewhere.
    /// </summary>
    /// <exception cref="InvalidDataException">Files are missing, damaged, or do not fit each other; the message lists all.</exception>
    /// <exception cref="DeviceTooSmallException">The devices do not hold the model and what it is to draw.</exception>
    public static LoadedModel Load(string folder, LoadOptions options)
    {
        folder = Resolve(folder);
        string configFile = Path.Combine(folder, ConfigFile), vae = Path.Combine(folder, "vae");
        TextTokenizer tokenizer = (ReleasedConfig.ReadComponent<TokenizerConfig>(JsonKeys.Open(configFile), "tokenizer") ?? new WordVocabulary()).Load(folder);
        NextStepConfig config = ReleasedConfig.Read(configFile, tokenizer.Special);
        string weights = options.Distilled ? Path.Combine(folder, DistilledFolder) : folder;
        (int? imageSize, SamplingConfig sampling) = ReleasedConfig.ReadOwn(Path.Combine(weights, ConfigFile));
        List<string> notes = [];
        using TensorSource source = Tied(AverageWeights.Open(weights, options.Distilled ? null : options.Weights, notes), configFile, notes);
        WeightScheme? scheme = QuantizedWeights.SchemeOf(source);
        if (scheme is not null && options.Devices.Any(d => d.type != DeviceType.CPU))
        {
            throw new InvalidDataException($"{source.Path}: {scheme} weights are read by the processor alone; draw with --device cpu, or write plain weights for a GPU: nextstep convert {folder} OUT --dtype bf16.");
        }
        ScalarType dtype = options.Dtype ?? StoredDtype(source);
        AutoencoderConfig pictures = ReleasedConfig.ReadAutoencoder(Path.Combine(vae, ConfigFile), config.LatentPatchSize);
        CheckAgreement(folder, config, pictures, tokenizer);
        NextStepModel model = new(config, META, dtype);
        using TensorSource vaeSource = OpenAutoencoder(vae, options.Weights, notes);
        ImageAutoencoder autoencoder = Empty(pictures, vaeSource, vae);
        try
        {
            DevicePlacement placement = Place(model, autoencoder, dtype, scheme, options, imageSize);
            StateDictLoader.Place(model, source, placement.Of, dtype, WeightNames.OfModel, Optional, options.Progress, scheme);
            PlaceAutoencoder(autoencoder, vaeSource, placement.Head);
            model.eval();
            autoencoder.eval();
            return new LoadedModel(model, autoencoder, tokenizer, imageSize, sampling) { Notes = notes };
        }
        catch
        {
            model.Dispose();
            autoencoder.Dispose();
            throw;
        }
    }

    private static void CheckAgreement(string folder, NextStepConfig config, AutoencoderConfig pictures, TextTokenizer tokenizer)
    {
        if (pictures.TokenWidth != config.TokenWidth)
        {
            throw new InvalidDataException($"{folder}: the model's image tokens have {config.TokenWidth} numbers, those of vae/{ConfigFile} {pictures.TokenWidth}.");
        }
        if (tokenizer.VocabularySize > config.Transformer.VocabularySize)
        {
            throw new InvalidDataException($"{folder}: the tokenizer has {tokenizer.VocabularySize} ids, the embedding table only {config.Transformer.VocabularySize} rows.");
        }
    }

    /// <summary>What a folder says about drawing, before it is loaded.</summary>
    internal static FolderSettings Settings(string folder)
    {
        folder = Resolve(folder);
        string file = Path.Combine(folder, ConfigFile);
        (int? side, SamplingConfig sampling) = ReleasedConfig.ReadOwn(file);
        AutoencoderConfig pictures = ReleasedConfig.ReadAutoencoder(Path.Combine(folder, "vae", ConfigFile), ReleasedConfig.ReadPatch(file));
        string distilled = Path.Combine(folder, DistilledFolder, ConfigFile);
        return new FolderSettings(side, pictures.PixelsPerToken, sampling, ReleasedConfig.ReadEditLayout(JsonKeys.Open(file)), File.Exists(distilled) ? ReleasedConfig.ReadOwn(distilled).Sampling : null);
    }

    /// <summary>Loads a <c>vae</c> folder, either naming of its tensors, in evaluation mode on the CPU in float32.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="patchSize">The model's latent patch.</param>
    /// <param name="weights">Which weights, where a running average is there too; null = the average.</param>
    public static ImageAutoencoder LoadAutoencoder(string folder, int patchSize, WeightChoice? weights = null)
    {
        AutoencoderConfig config = ReleasedConfig.ReadAutoencoder(Path.Combine(folder, ConfigFile), patchSize);
        using TensorSource source = OpenAutoencoder(folder, weights, []);
        ImageAutoencoder autoencoder = Empty(config, source, folder);
        PlaceAutoencoder(autoencoder, source, CPU);
        autoencoder.eval();
        return autoencoder;
    }

    // An average of the model's weights may be asked for where the autoencoder has none.
    private static TensorSource OpenAutoencoder(string folder, WeightChoice? weights, List<string> notes)
    {
        TensorSource source = AverageWeights.Open(folder, weights == WeightChoice.Model ? weights : null, notes);
        TensorSource plain = new RenamedSource(source, entry => (WeightNames.WithoutWrappers(entry.Name), entry.Shape));
        try
        {
            return WeightNames.InLayout(plain, AutoencoderLayout.Flux);
        }
        catch
        {
            plain.Dispose();
            throw;
        }
    }

    // The 1×1 convolutions around the latent are there exactly when the file has their weights (spec: FLUX has none, Stable Diffusion has).
    private static ImageAutoencoder Empty(AutoencoderConfig config, TensorSource source, string folder)
    {
        bool before = source.Entries.ContainsKey("quant_conv.weight"), after = source.Entries.ContainsKey("post_quant_conv.weight");
        JsonKeys keys = JsonKeys.Open(Path.Combine(folder, ConfigFile));
        foreach ((string key, bool there) in ((string, bool)[])[("use_quant_conv", before), ("use_post_quant_conv", after)])
        {
            if (keys.Bool(key, false) && !there)
            {
                throw new InvalidDataException($"{keys.File}: {key} is true, but {source.Path} has no {key["use_".Length..]}.weight.");
            }
        }
        return new ImageAutoencoder(config, META, before, after);
    }

    // FLUX names and diffusers names load alike; training losses and the like are left out.
    private static void PlaceAutoencoder(ImageAutoencoder autoencoder, TensorSource source, Device device) =>
        StateDictLoader.Place(autoencoder, source, _ => device, ScalarType.Float32, n => n is "channel_mean" or "channel_std" ? "normalization." + n : IsAutoencoder(n) ? n : null); // as earlier versions wrote them

    // A head that is the embedding table is not stored twice.
    private static TensorSource Tied(TensorSource source, string configFile, List<string> notes)
    {
        const string Table = "embed_tokens.weight", Head = "lm_head.weight";
        Dictionary<string, string> names = source.Entries.Keys.Select(stored => (Name: WeightNames.OfModel(stored), stored)).Where(n => n.Name is Table or Head)
            .GroupBy(n => n.Name!, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.First().stored, StringComparer.Ordinal);
        if (!names.TryGetValue(Table, out string? table) || !JsonKeys.Open(configFile).Bool("tie_word_embeddings", false))
        {
            return source;
        }
        Dictionary<string, (TensorSource, string)> where = source.Entries.Keys.ToDictionary(n => n, n => (source, n), StringComparer.Ordinal);
        if (names.TryGetValue(Head, out string? own))
        {
            where.Remove(own);
            notes.Add($"{configFile} says tie_word_embeddings: true, so that the language head is the embedding table; {own} in {source.Path} is not used.");
        }
        where[Head] = (source, table);
        return new SelectedSource(where, source);
    }

    // A small model is not measured against the devices: asking takes longer than it would ever save.
    private static DevicePlacement Place(NextStepModel model, ImageAutoencoder autoencoder, ScalarType dtype, WeightScheme? scheme, LoadOptions options, int? imageSize)
    {
        long side = imageSize ?? DefaultSide, pixels = options.Pixels ?? side * side;
        long perToken = autoencoder.Config.PixelsPerToken;
        MemoryEstimate need = MemoryEstimate.Of(model, autoencoder, dtype, options.Sequences, ((1 + options.InputPictures) * pixels / (perToken * perToken)) + MemoryEstimate.PromptAllowance, pixels, scheme, KeyValueCache.Width(model.Config.Transformer, dtype, options.Devices[0], options.CacheBits));
        options.Estimated?.Invoke(need);
        if (options.Devices.Count == 1 && need.Total < SmallModel)
        {
            return DevicePlacement.Single(options.Devices[0], model.Config.Transformer.Layers);
        }
        DeviceRoom[] rooms = [.. options.Devices.Select(DeviceRoom.Of)];
        if (rooms.Where(r => r.Free is null).Select(r => r.Device.ToString()).ToArray() is { Length: > 0 } unknown)
        {
            options.Note?.Invoke($"The free memory of {string.Join(", ", unknown)} is unknown, so that it was not checked whether {need} fits.");
        }
        return DevicePlacement.Plan(need, rooms, DeviceRoom.Of(CPU));
    }

    // The dtype of most of the bytes.
    private static ScalarType StoredDtype(TensorSource source) =>
        source.Entries.Values.Where(e => e.Type is ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16)
            .GroupBy(e => TensorDtypes.Find(e.StoredType)!.Bits < 16 ? ScalarType.BFloat16 : e.Type!.Value) // which holds the numbers of fewer bits exactly
            .OrderByDescending(g => g.Sum(e => e.ByteLength)).FirstOrDefault()?.Key ?? ScalarType.Float32;

    private static bool IsAutoencoder(string name) =>
        name.StartsWith("encoder.", StringComparison.Ordinal) || name.StartsWith("decoder.", StringComparison.Ordinal) || name.StartsWith("normalization.", StringComparison.Ordinal) ||
        name.StartsWith("quant_conv.", StringComparison.Ordinal) || name.StartsWith("post_quant_conv.", StringComparison.Ordinal);

    /// <summary>The model folder itself, also when a trained cell's or stage's folder was given.</summary>
    public static string Resolve(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"There is no folder {folder}.");
        }
        return ((string[])[folder, Path.Combine(folder, "checkpoint"), Path.Combine(folder, "model")])
            .FirstOrDefault(f => File.Exists(Path.Combine(f, ConfigFile)))
            ?? throw new FileNotFoundException($"{folder} holds no model: {ConfigFile} is missing, there and in checkpoint/ and model/ below it. A cell that is not done has no model yet.");
    }
}
