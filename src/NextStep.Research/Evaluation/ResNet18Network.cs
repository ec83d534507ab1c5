using System.Security.Cryptography;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace NextStep.Research;

/// <summary>
/// <c>resnet18-imagenet</c>: the 512 pooled features of a ResNet-18 (He et al. 2016) that was trained on ImageNet, which know of objects. Its two
/// files come with the package Microsoft.ML.DnnImageFeaturizer.ResNet18 (60 MB), which only a build with <c>-p:FeatureNetworks=resnet18</c> fetches.
/// They take one picture of 224×224 at a time, its channels blue, green, red in [0, 255]; the first subtracts a mean picture.
/// </summary>
internal sealed class ResNet18Network : IFeatureNetwork
{
    /// <summary>What <c>evaluation.network</c> calls it.</summary>
    public const string Name = "resnet18";

    private const int Side = 224;
    private static readonly string Folder = Path.Combine(Path.GetDirectoryName(typeof(ResNet18Network).Assembly.Location)!, "DnnImageModels");
    private static readonly string[] Files = [Path.Combine(Folder, "ResNetPrepOnnx", "ResNetPreprocess.onnx"), Path.Combine(Folder, "ResNet18Onnx", "ResNet18.onnx")];

    private readonly InferenceSession[] _sessions;

    /// <summary>Opens the files.</summary>
    /// <exception cref="FileNotFoundException">This build has none; the message says how to get one that has.</exception>
    public ResNet18Network()
    {
        if (!IsBuiltIn)
        {
            throw new FileNotFoundException($"this build has no network '{Name}': build with -p:FeatureNetworks={Name}, which fetches 60 MB, or name an ONNX file");
        }
        using SessionOptions settings = new() { IntraOpNumThreads = get_num_threads(), LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        settings.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        _sessions = [.. Files.Select(f => new InferenceSession(f, settings))];
        Sha256 = Convert.ToHexStringLower(SHA256.HashData([.. Files.SelectMany(f => SHA256.HashData(File.ReadAllBytes(f)))]));
    }

    /// <summary>Whether the build has fetched it.</summary>
    public static bool IsBuiltIn => Files.All(File.Exists);

    /// <inheritdoc/>
    public string Id => "resnet18-imagenet";

    /// <inheritdoc/>
    public string Sha256 { get; }

    /// <inheritdoc/>
    public string Resizing(int height, int width) => height == Side && width == Side ? "none" : $"Lanczos-3 to {Side}x{Side}";

    /// <inheritdoc/>
    public Tensor Features(Tensor pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Resize.To(pixels.to_type(float32).cpu(), Side, Side).flip(1).Plus(1).Times(127.5f);
        return cat([.. x.split(1).Select(One)]).to_type(float64).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (InferenceSession session in _sessions)
        {
            session.Dispose();
        }
    }

    private Tensor One(Tensor picture)
    {
        DenseTensor<float> values = new(picture.contiguous().data<float>().ToArray(), [1, 3, Side, Side]);
        foreach (InferenceSession session in _sessions)
        {
            using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> found = session.Run([NamedOnnxValue.CreateFromTensor(session.InputMetadata.Keys.Single(), values)]);
            values = (DenseTensor<float>)((DenseTensor<float>)found[0].Value).Clone();
        }
        return tensor(values.ToArray(), [1, values.Length]);
    }
}
