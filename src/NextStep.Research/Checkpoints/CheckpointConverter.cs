using System.Text.Json;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>What a conversion changes.</summary>
internal sealed record ConversionOptions
{
    /// <summary>Floating-point tensors become this: float32, float16 or bfloat16; null keeps each.</summary>
    public ScalarType? Dtype { get; init; }

    /// <summary>The matrices of a model are quantized so; null keeps them, unless a dtype is given. Not of a torch file, nor of an autoencoder.</summary>
    public WeightScheme? Scheme { get; init; }

    /// <summary>Names of the autoencoder's tensors; null keeps them.</summary>
    public AutoencoderLayout? Layout { get; init; }

    /// <summary>Which weights, where the input holds a running average too; null = the average.</summary>
    public WeightChoice? Weights { get; init; }

    /// <summary>Gets a sentence for every choice that was made, and for what is not read.</summary>
    public Action<string>? Say { get; init; }

    /// <summary>Bytes of values per safetensors file of a folder, at least 1.</summary>
    public long MaximumShard { get; init; } = 5_000_000_000;
}

/// <summary>Rewrites checkpoints: file formats, dtypes, layouts, and whole released folders with the files beside the weights.</summary>
internal static class CheckpointConverter
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, IndentSize = 2 };
    private static readonly string[] WeightEndings = [".safetensors", ".safetensors.index.json", ".pt", ".pth", ".bin", ".ckpt"];

    /// <summary>
    /// Converts a file or folder into a file (<c>.safetensors</c>, <c>.pt</c>) or, where <paramref name="output"/> has neither ending, a folder.
    /// From folder to folder, <c>config.json</c>, tokenizer files and the <c>vae</c> folder come along.
    /// </summary>
    /// <returns>The files written, in order.</returns>
    /// <exception cref="InvalidDataException">The input is damaged, or a layout is asked of weights that are no autoencoder.</exception>
    public static IReadOnlyList<string> Convert(string input, string output, ConversionOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(input);
        ArgumentException.ThrowIfNullOrEmpty(output);
        ArgumentNullException.ThrowIfNull(options);
        if (Path.GetFullPath(input) == Path.GetFullPath(output))
        {
            throw new ArgumentException("Input and output are the same path; the tensors are read while the output is written.", nameof(output));
        }
        if (options.Scheme is not null && IsTorch(output))
        {
            throw new ArgumentException($"{output}: quantized weights are kept in safetensors; name a .safetensors file or a folder.", nameof(output));
        }
        var written = new List<string>();
        if (IsTorch(output) || output.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            using var source = Arrange(Open(input, options), options.Layout);
            WriteFile(output, source, options, written);
        }
        else if (Directory.Exists(input))
        {
            ConvertFolder(input, output, options, written);
        }
        else
        {
            using var source = Arrange(Open(input, options), options.Layout);
            WriteShards(output, source, options, "model", written);
        }
        return written;
    }

    // The layout is the autoencoder's; a folder's backbone has only one way of being named.
    private static void ConvertFolder(string input, string output, ConversionOptions options, List<string> written)
    {
        using (var source = Open(input, options))
        {
            var autoencoder = WeightNames.DetectAutoencoder(source.Entries.Keys) is not null;
            using var arranged = Arrange(source, autoencoder ? options.Layout : null);
            WriteShards(output, arranged, options, "model", written);
        }
        CopyOthers(input, output, options.Dtype, written);
        options = options with { Scheme = null };
        var vae = Path.Combine(input, "vae");
        if (Directory.Exists(vae))
        {
            ConvertAutoencoder(vae, Path.Combine(output, "vae"), options, written);
            CopyOthers(vae, Path.Combine(output, "vae"), options.Dtype, written);
        }
        else if (options.Layout is not null && WeightsAreNoAutoencoder(input))
        {
            throw new InvalidDataException($"{input}: a layout was asked for, but there is no autoencoder here (no vae folder).");
        }
    }

    private static bool WeightsAreNoAutoencoder(string folder)
    {
        using var source = TensorSource.OpenAny(folder);
        return WeightNames.DetectAutoencoder(source.Entries.Keys) is null;
    }

    // The released autoencoder is a torch file in the FLUX layout; diffusers keeps its own in safetensors.
    private static void ConvertAutoencoder(string input, string output, ConversionOptions options, List<string> written)
    {
        using var source = Open(input, options with { Weights = options.Weights == WeightChoice.Model ? options.Weights : null });
        using var arranged = Arrange(source, options.Layout);
        if ((options.Layout ?? WeightNames.DetectAutoencoder(source.Entries.Keys)) == AutoencoderLayout.Diffusers)
        {
            WriteShards(output, arranged, options, "diffusion_pytorch_model", written);
        }
        else
        {
            WriteFile(Path.Combine(output, "checkpoint.pt"), arranged, options, written);
        }
    }

    private static TensorSource Open(string input, ConversionOptions options)
    {
        var notes = new List<string>();
        var source = AverageWeights.Open(input, options.Weights, notes);
        notes.ForEach(note => options.Say?.Invoke(note));
        return Plain(source, options.Dtype is not null || options.Scheme is not null);
    }

    // Quantized matrices stay what they are unless something else is asked for.
    private static TensorSource Plain(TensorSource source, bool wanted)
    {
        try
        {
            return QuantizedWeights.SchemeOf(source) is { } scheme && wanted ? new DequantizedSource(source, scheme) : source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private static IEnumerable<OutgoingTensor> Outgoing(TensorSource source, ConversionOptions options)
    {
        var tensors = OutgoingTensor.From(source, options.Dtype);
        return options.Scheme is { } scheme ? QuantizedWeights.Quantized(tensors, scheme, source.Path, options.Say) : tensors;
    }

    private static Dictionary<string, string> Described(TensorSource source, ConversionOptions options) =>
        QuantizedWeights.Describe(source.Metadata, options.Scheme ?? QuantizedWeights.SchemeOf(source));

    private static TensorSource Arrange(TensorSource source, AutoencoderLayout? layout)
    {
        try
        {
            return layout is { } wanted ? WeightNames.InLayout(source, wanted) : source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private static void WriteFile(string path, TensorSource source, ConversionOptions options, List<string> written)
    {
        var tensors = Outgoing(source, options);
        if (IsTorch(path))
        {
            TorchArchiveWriter.Write(path, tensors);
        }
        else
        {
            SafetensorsFile.Write(path, tensors, new Dictionary<string, string>(Described(source, options)) { ["format"] = "pt" });
        }
        written.Add(path);
    }

    private static void WriteShards(string folder, TensorSource source, ConversionOptions options, string name, List<string> written)
    {
        ShardedCheckpoint.Write(folder, Outgoing(source, options), Described(source, options), options.MaximumShard, name);
        written.AddRange(Directory.GetFiles(folder, $"{name}*.safetensors*").Order(StringComparer.Ordinal));
    }

    private static void CopyOthers(string input, string output, ScalarType? dtype, List<string> written)
    {
        foreach (var file in WeightFiles.Visible(input, "*").Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileName(file);
            if (WeightEndings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) || name.EndsWith(".tmp", StringComparison.Ordinal))
            {
                continue;
            }
            var target = Path.Combine(output, name);
            if (name == "config.json" && dtype is { } type)
            {
                AtomicFile.WriteText(target, WithDtype(file, type));
            }
            else
            {
                using var from = File.OpenRead(file);
                AtomicFile.Write(target, from.CopyTo);
            }
            written.Add(target);
        }
    }

    private static string WithDtype(string file, ScalarType type)
    {
        try
        {
            var config = JsonNode.Parse(File.ReadAllText(file)) as JsonObject ?? throw new JsonException("not a JSON object");
            if (config.ContainsKey("torch_dtype"))
            {
                config["torch_dtype"] = type switch { ScalarType.Float32 => "float32", ScalarType.Float16 => "float16", _ => "bfloat16" };
            }
            return config.ToJsonString(Indented) + "\n";
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{file}: {e.Message}", e);
        }
    }

    private static bool IsTorch(string path) => path.EndsWith(".pt", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".pth", StringComparison.OrdinalIgnoreCase);
}
