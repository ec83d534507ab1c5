using System.Globalization;
using System.Security.Cryptography;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace NextStep.Research;

/// <summary>What an ONNX network expects of its pictures; the file does not say.</summary>
public sealed record OnnxInput
{
    /// <summary>Side of the square input; null = the model's own, which must then be fixed.</summary>
    public int? Size { get; init; }

    /// <summary>Subtracted per channel from values in [0, 1]; one number stands for all three.</summary>
    public IReadOnlyList<double> Mean { get; init; } = [0];

    /// <summary>Divided by per channel; one number stands for all three.</summary>
    public IReadOnlyList<double> Deviation { get; init; } = [1];

    /// <summary>The output to take; null = the first.</summary>
    public string? Output { get; init; }
}

/// <summary>
/// Any ONNX network with one float input [n, 3, H, W] and a float output [n, d] or [n, d, h, w], of which the spatial mean is taken.
/// With the original Inception's file and normalisation the Fréchet distance of its pool features is the field's FID.
/// </summary>
public sealed class OnnxFeatureNetwork : IFeatureNetwork
{
    private readonly InferenceSession _session;
    private readonly OnnxInput _options;
    private readonly string _file;
    private readonly string _input;
    private readonly string _output;
    private readonly int _size;
    private readonly bool _oneByOne;

    /// <summary>Opens a file.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no ONNX model, or not one of pictures to features; the message names the file.</exception>
    public OnnxFeatureNetwork(string file, OnnxInput options)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_file, _options) = (file, options);
        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"The ONNX file '{file}' does not exist.", file);
        }
        _session = Open(file);
        try
        {
            (_input, NodeMetadata input) = Only(_session.InputMetadata, "input");
            _output = options.Output ?? _session.OutputMetadata.Keys.First();
            if (!_session.OutputMetadata.ContainsKey(_output))
            {
                throw Wrong($"has no output '{_output}'; outputs: {string.Join(", ", _session.OutputMetadata.Keys)}");
            }
            int[] shape = input.Dimensions;
            if (input.ElementType != typeof(float) || shape.Length != 4 || (shape[1] > 0 && shape[1] != 3))
            {
                throw Wrong($"wants [{string.Join(", ", shape)}] of {input.ElementType?.Name}; pictures are [n, 3, H, W] of Single");
            }
            if (options.Size is { } wanted && shape[2] > 0 && shape[2] != wanted)
            {
                throw Wrong($"takes {shape[2]}x{shape[3]} pixels, not the {wanted}x{wanted} that were stated");
            }
            _size = options.Size ?? (shape[2] > 0 && shape[2] == shape[3] ? shape[2] : throw Wrong("does not fix the size of its input; state it"));
            _oneByOne = shape[0] == 1;
            (Mean, Deviation) = (Three(options.Mean, "mean"), Three(options.Deviation, "deviation"));
            using FileStream stream = File.OpenRead(file);
            byte[] weights = SHA256.HashData(stream);
            byte[] use = System.Text.Encoding.UTF8.GetBytes(string.Create(
                CultureInfo.InvariantCulture, $"{_size};{string.Join(',', Mean)};{string.Join(',', Deviation)};{_output}"));
            Sha256 = Convert.ToHexStringLower(SHA256.HashData([.. weights, .. use]));
        }
        catch
        {
            _session.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string Id => Path.GetFileName(_file);

    /// <inheritdoc/>
    public string Sha256 { get; }

    private double[] Mean { get; }

    private double[] Deviation { get; }

    /// <inheritdoc/>
    public string Resizing(int height, int width) => height == _size && width == _size ? "none" : $"Lanczos-3 to {_size}x{_size}";

    /// <inheritdoc/>
    public Tensor Features(Tensor pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Resize.To(pixels.to_type(float32).cpu(), _size, _size).Plus(1).Times(0.5f);
        x = (x - tensor([.. Mean.Select(v => (float)v)]).view(1, 3, 1, 1)) / tensor([.. Deviation.Select(v => (float)v)]).view(1, 3, 1, 1);
        Tensor[] parts = [.. x.split(_oneByOne ? 1 : 64).Select(Run)];
        return cat(parts).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    private Tensor Run(Tensor part)
    {
        float[] values = part.contiguous().data<float>().ToArray();
        DenseTensor<float> input = new(values, [.. part.shape.Select(s => (int)s)]);
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> found = _session.Run([NamedOnnxValue.CreateFromTensor(_input, input)], [_output]);
        DisposableNamedOnnxValue[] results = [.. found];
        if (results[0].Value is not DenseTensor<float> output || output.Rank < 2 || output.Dimensions[0] != part.size(0))
        {
            throw Wrong($"gives no float features per picture in '{_output}'");
        }
        using Tensor raw = tensor(output.ToArray(), [.. output.Dimensions.ToArray().Select(d => (long)d)]);
        using Tensor rows = raw.flatten(Math.Min(2, (int)raw.dim() - 1));
        using Tensor means = raw.dim() > 2 ? rows.mean([2]) : rows.alias();
        return means.to_type(float64);
    }

    private InferenceSession Open(string file)
    {
        try
        {
            using SessionOptions settings = new() { IntraOpNumThreads = get_num_threads(), LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
            settings.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
            return new InferenceSession(file, settings);
        }
        catch (OnnxRuntimeException e)
        {
            throw Wrong($"cannot be opened as an ONNX model ({e.Message.ReplaceLineEndings(" ").Trim()})");
        }
    }

    private (string Name, NodeMetadata Node) Only(IReadOnlyDictionary<string, NodeMetadata> nodes, string what) =>
        nodes.Count == 1 ? (nodes.First().Key, nodes.First().Value) : throw Wrong($"has {nodes.Count} {what}s ({string.Join(", ", nodes.Keys)}); a feature network has one");

    private static double[] Three(IReadOnlyList<double> values, string what) => values.Count switch
    {
        1 => [values[0], values[0], values[0]],
        3 => [.. values],
        _ => throw new ArgumentException($"The {what} of an ONNX input is one number or three, not {values.Count}."),
    };

    private InvalidDataException Wrong(string what) => new($"The ONNX model '{_file}' {what}.");
}
