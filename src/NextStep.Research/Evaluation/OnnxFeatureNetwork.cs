using System.Globalization;
using System.Security.Cryptography;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace NextStep.Research;

/// <summary>What an ONNX network expects of its pictures, and which of its numbers are features; the file does not say.</summary>
internal sealed record OnnxInput
{
    /// <summary>Side of the square input; null = the model's own, which must then be fixed.</summary>
    public int? Size { get; init; }

    /// <summary>Black and white in the values that the network is given, before mean and deviation: [0, 1], or [−1, 1], [0, 255].</summary>
    public IReadOnlyList<double> Range { get; init; } = [0, 1];

    /// <summary>Subtracted per channel from values in <see cref="Range"/>; one number stands for all three.</summary>
    public IReadOnlyList<double> Mean { get; init; } = [0];

    /// <summary>Divided by per channel; one number stands for all three.</summary>
    public IReadOnlyList<double> Deviation { get; init; } = [1];

    /// <summary>The output to take; null = the only one.</summary>
    public string? Output { get; init; }

    /// <summary>
    /// The axis of the output that counts features; over the others, but the first, the mean is taken. Null = of [n, tokens, d] the last; of [n, d, h, w] and [n, h, w, d] the one that
    /// is not like the two others, or, where that says nothing, as in the input.
    /// </summary>
    public int? FeatureAxis { get; init; }
}

/// <summary>
/// Any ONNX network with one float input [n, 3, H, W] or [n, H, W, 3] and a float output [n, d], or of more axes, of which the mean is taken over all but pictures and features.
/// With the original Inception's file and normalisation the Fréchet distance of its pool features is the field's FID.
/// </summary>
internal sealed class OnnxFeatureNetwork : IFeatureNetwork
{
    private const int AtOnce = 64;
    private readonly InferenceSession _session;
    private readonly OnnxInput _options;
    private readonly string _file;
    private readonly string _input;
    private readonly string _output;
    private readonly int _size;
    private readonly int? _batch; // pictures that the model takes at once, where it fixes them
    private readonly bool _channelsLast;
    private readonly int _features; // axis of the output

    /// <summary>Opens a file, and asks it for the features of one grey picture, so that a model which does not fit is refused at once.</summary>
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
        if (PlaceholderFile.Describe(file) is { } fault)
        {
            throw Wrong(fault);
        }
        _session = Open(file);
        try
        {
            (_input, NodeMetadata input) = Only(_session.InputMetadata, "input");
            _output = options.Output ?? (_session.OutputMetadata.Count == 1 ? _session.OutputMetadata.Keys.First()
                : throw Wrong($"has {_session.OutputMetadata.Count} outputs ({string.Join(", ", _session.OutputMetadata.Keys)}); say which holds the features (--onnx-output, evaluation.networkOutput)"));
            if (!_session.OutputMetadata.ContainsKey(_output))
            {
                throw Wrong($"has no output '{_output}'; outputs: {string.Join(", ", _session.OutputMetadata.Keys)}");
            }
            int[] shape = input.Dimensions;
            _channelsLast = shape.Length == 4 && shape[3] == 3 && shape[1] != 3;
            if (input.ElementType != typeof(float) || shape.Length != 4 || (!_channelsLast && shape[1] > 0 && shape[1] != 3))
            {
                throw Wrong($"wants [{string.Join(", ", shape)}] of {input.ElementType?.Name}; pictures are [n, 3, H, W] or [n, H, W, 3] of Single; export it so");
            }
            (int height, int width) = _channelsLast ? (shape[1], shape[2]) : (shape[2], shape[3]);
            if (options.Size is { } wanted && height > 0 && height != wanted)
            {
                throw Wrong($"takes {height}x{width} pixels, not the {wanted}x{wanted} that were stated");
            }
            _size = options.Size ?? (height > 0 && height == width ? height : throw Wrong("does not fix the size of its input; state it (--onnx-size, evaluation.networkSize)"));
            _batch = shape[0] > 0 ? shape[0] : null;
            (Mean, Deviation) = (Three(options.Mean, "mean"), Three(options.Deviation, "deviation"));
            if (options.Range is not [var black, var white] || !(white > black))
            {
                throw new ArgumentException($"The range of an ONNX input is two rising numbers, black and white, not {string.Join(", ", options.Range)}.");
            }
            _features = AxisOf(Probe());
            Sha256 = Identity(file);
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
        (double black, double white) = (_options.Range[0], _options.Range[1]);
        x = black == 0 && white == 1 ? x : x.Times(white - black).Plus(black);
        x = (x - tensor([.. Mean.Select(v => (float)v)]).view(1, 3, 1, 1)) / tensor([.. Deviation.Select(v => (float)v)]).view(1, 3, 1, 1);
        Tensor features = cat([.. x.split(_batch ?? AtOnce).Select(Run)]);
        return features.isfinite().all().item<bool>() ? features.MoveToOuterDisposeScope() : throw Wrong($"gives values in '{_output}' that are no numbers (NaN or infinite); check range, mean and deviation of its input");
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    // A last part that is smaller than what the model takes at once is filled up, and the surplus dropped.
    private Tensor Run(Tensor part)
    {
        using DisposeScope scope = NewDisposeScope();
        long count = part.size(0), missing = (_batch ?? count) - count;
        Tensor whole = missing == 0 ? part : cat([part, zeros([missing, .. part.shape[1..]])]);
        DenseTensor<float> output = Infer(_channelsLast ? whole.permute(0, 2, 3, 1) : whole);
        if (output.Rank <= _features || output.Dimensions[0] != whole.size(0))
        {
            throw Wrong($"gives [{string.Join(", ", output.Dimensions.ToArray())}] in '{_output}' for {whole.size(0)} pictures; features are [{whole.size(0)}, d]");
        }
        Tensor raw = tensor(output.ToArray(), [.. output.Dimensions.ToArray().Select(d => (long)d)]).narrow(0, 0, count);
        long[] others = [.. Enumerable.Range(1, output.Rank - 1).Where(axis => axis != _features).Select(axis => (long)axis)];
        return (others.Length == 0 ? raw : raw.mean(others)).to_type(float64).MoveToOuterDisposeScope();
    }

    private DenseTensor<float> Infer(Tensor pictures)
    {
        float[] values = pictures.contiguous().data<float>().ToArray();
        DenseTensor<float> input = new(values, [.. pictures.shape.Select(s => (int)s)]);
        try
        {
            using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> found = _session.Run([NamedOnnxValue.CreateFromTensor(_input, input)], [_output]);
            return found[0].Value is DenseTensor<float> output ? (DenseTensor<float>)output.Clone() : throw Wrong($"gives no float features in '{_output}'");
        }
        catch (OnnxRuntimeException e)
        {
            throw Wrong($"fails on {pictures.size(0)} pictures of {_size}x{_size} ({e.Message.ReplaceLineEndings(" ").Trim()})");
        }
    }

    // What the model makes of grey pictures: the sizes of its output.
    private int[] Probe()
    {
        using DisposeScope scope = NewDisposeScope();
        int count = _batch ?? 1;
        int[] output = Infer(zeros(_channelsLast ? [count, _size, _size, 3] : [count, 3, _size, _size])).Dimensions.ToArray();
        return output.Length >= 2 && output[0] == count ? output
            : throw Wrong($"gives [{string.Join(", ", output)}] in '{_output}' for {count} picture{(count == 1 ? "" : "s")}; features are [{count}, d]");
    }

    private int AxisOf(int[] output)
    {
        if (_options.FeatureAxis is { } stated)
        {
            return stated >= 1 && stated < output.Length ? stated : throw Wrong($"has no axis {stated} of features in '{_output}' [{string.Join(", ", output)}]");
        }
        return output.Length switch
        {
            2 => 1,
            3 => 2,
            4 when output[1] == output[2] && output[2] != output[3] => 3,
            4 when output[2] == output[3] && output[1] != output[2] => 1,
            4 => _channelsLast ? 3 : 1,
            _ => throw Wrong($"gives [{string.Join(", ", output)}] in '{_output}'; say which axis counts features (--onnx-axis, evaluation.networkAxis)"),
        };
    }

    // Of the model, of the files with its weights, and of all that is done with pictures before and with numbers after.
    private string Identity(string file)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] model = File.ReadAllBytes(file);
        hash.AppendData(SHA256.HashData(model));
        try
        {
            foreach (string location in OnnxExternalData.Locations(model))
            {
                using FileStream weights = File.OpenRead(Beside(file, location));
                byte[] head = new byte[Math.Min(PlaceholderFile.Head, weights.Length)];
                weights.ReadExactly(head);
                weights.Position = 0;
                if (PlaceholderFile.DescribePointer(head) is { } fault)
                {
                    throw new InvalidDataException($"'{location}' {fault}");
                }
                hash.AppendData(SHA256.HashData(weights));
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw Wrong($"has weights in files that cannot be read ({e.Message})");
        }
        hash.AppendData(System.Text.Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{_size};{string.Join(',', Mean)};{string.Join(',', Deviation)};{_output};{string.Join(',', _options.Range)};{_features};{_channelsLast}")));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private InferenceSession Open(string file)
    {
        try
        {
            // Its errors come as exceptions; on standard error each would be said a second time, raw.
            using SessionOptions settings = new() { IntraOpNumThreads = get_num_threads(), LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
            settings.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
            return new InferenceSession(file, settings);
        }
        catch (OnnxRuntimeException e)
        {
            throw Wrong($"cannot be opened as an ONNX model ({e.Message.ReplaceLineEndings(" ").Trim()}){Weights(file)}");
        }
    }

    // Files beside a model that hold its weights are the first suspects.
    private static string Weights(string file)
    {
        string[] states = [.. OnnxExternalData.LocationsOrNone(File.ReadAllBytes(file)).Select(location => $"'{location}' {State(Beside(file, location))}")];
        return states.Length == 0 ? "" : $"; of the files with its weights {string.Join(", ", states)}";
    }

    private static string State(string weights) => !File.Exists(weights) ? "is not there; copy it beside the model"
        : PlaceholderFile.Describe(weights) ?? $"has {new FileInfo(weights).Length} bytes";

    private static string Beside(string file, string location) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, location);

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
