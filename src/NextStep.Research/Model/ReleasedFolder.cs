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
    /// <summary>Draws pictures with it.</summary>
    public ImageGenerator Generator() => new(Model, Autoencoder, Tokenizer);

    /// <inheritdoc/>
    public void Dispose()
    {
        Model.Dispose();
        Autoencoder.Dispose();
    }
}

/// <summary>
/// The folder layout of the released models: <c>config.json</c>, safetensors (one file or shards with an index), tokenizer files,
/// <c>vae/config.json</c> and <c>vae/checkpoint.pt</c>. Models trained here are saved in the same layout.
/// </summary>
public static class ReleasedFolder
{
    private const string ConfigFile = "config.json";
    private static readonly HashSet<string> Optional = ["gen_pos_embed"];

    /// <summary>Writes a whole model folder.</summary>
    public static void Save(string folder, NextStepModel model, ImageAutoencoder autoencoder, TextTokenizer tokenizer, int imageSize, SamplingConfig sampling)
    {
        Directory.CreateDirectory(folder);
        SafetensorsFile.Write(Path.Combine(folder, "model.safetensors"), model.state_dict(), new Dictionary<string, string> { ["format"] = "pt" });
        tokenizer.Save(folder);
        SaveAutoencoder(Path.Combine(folder, "vae"), autoencoder);
        AtomicFile.WriteText(Path.Combine(folder, ConfigFile), ReleasedConfig.Write(model.Config, imageSize, sampling));
    }

    /// <summary>Writes the <c>vae</c> folder alone.</summary>
    public static void SaveAutoencoder(string folder, ImageAutoencoder autoencoder)
    {
        Directory.CreateDirectory(folder);
        TorchCheckpoint.Write(Path.Combine(folder, "checkpoint.pt"), autoencoder.state_dict());
        AtomicFile.WriteText(Path.Combine(folder, ConfigFile), ReleasedConfig.Write(autoencoder.Config));
    }

    /// <summary>Loads a whole model folder, tensor by tensor, in evaluation mode.</summary>
    /// <param name="folder">The folder, or a trained cell's folder with a <c>checkpoint</c> in it.</param>
    /// <param name="device">Where the model runs.</param>
    /// <param name="dtype">Of the weights; the autoencoder stays in float32 on the CPU.</param>
    /// <exception cref="InvalidDataException">Files are missing, damaged, or do not fit each other; the message lists all.</exception>
    public static LoadedModel Load(string folder, Device? device = null, ScalarType dtype = ScalarType.Float32)
    {
        folder = Resolve(folder);
        string configFile = Path.Combine(folder, ConfigFile);
        TextTokenizer tokenizer = TextTokenizerFiles.Exists(folder) ? TextTokenizerFiles.Load(folder) : QwenTokenizer.Load(folder);
        NextStepConfig config = ReleasedConfig.Read(configFile, tokenizer.Special);
        (int? imageSize, SamplingConfig sampling) = ReleasedConfig.ReadOwn(configFile);
        NextStepModel model = new(config, device, dtype);
        using (TensorSource source = TensorSource.OpenAny(folder))
        {
            StateDictLoader.Load(model, source, WeightNames.WithoutModelPrefix, Optional);
        }
        model.eval();
        ImageAutoencoder autoencoder = LoadAutoencoder(Path.Combine(folder, "vae"), config.LatentPatchSize);
        if (device is not null)
        {
            autoencoder.to(device);
        }
        return new LoadedModel(model, autoencoder, tokenizer, imageSize, sampling);
    }

    /// <summary>Loads a <c>vae</c> folder, either naming of its tensors, in evaluation mode on the CPU in float32.</summary>
    public static ImageAutoencoder LoadAutoencoder(string folder, int patchSize)
    {
        ImageAutoencoder autoencoder = new(ReleasedConfig.ReadAutoencoder(Path.Combine(folder, ConfigFile), patchSize));
        // FLUX names and diffusers names load alike; training losses and the like are left out.
        using TensorSource source = WeightNames.InLayout(TensorSource.OpenAny(folder), AutoencoderLayout.Flux);
        StateDictLoader.Load(autoencoder, source, n => IsAutoencoder(n) ? n : null);
        autoencoder.eval();
        return autoencoder;
    }

    private static bool IsAutoencoder(string name) =>
        name.StartsWith("encoder.", StringComparison.Ordinal) || name.StartsWith("decoder.", StringComparison.Ordinal) || name is "channel_mean" or "channel_std";

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
