using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>What training and drawing need of a device, tried on it and held against the processor.</summary>
internal static class DeviceChecks
{
    private const long Seed = 7;

    /// <summary>Runs all; false when one fails. What each finds is shown by name.</summary>
    public static bool Run(Device device, Action<string, string> show)
    {
        CudaConfig cuda = new();
        if (device.type == DeviceType.CUDA)
        {
            cuda.Apply();
        }
        show("computes with", device.type == DeviceType.CUDA ? $"{cuda} (settings cuda.tf32, cuda.deterministic)" : $"{CpuThreads.Current} threads (setting threads)");
        (string Name, Func<string> Check)[] checks =
        [
            ("product", () => Near(1e-3, x => x.matmul(x.transpose(0, 1)), device)),
            ("bfloat16", () => Near(2, x => x.to_type(ScalarType.BFloat16).matmul(x.to_type(ScalarType.BFloat16).transpose(0, 1)).to_type(ScalarType.Float32), device)),
            ("attention", () => Near(1e-3, x => nn.functional.scaled_dot_product_attention(x.view(1, 4, 64, 64), x.view(1, 4, 64, 64), x.view(1, 4, 64, 64), is_casual: true), device)),
            ("autocast", () => Autocasts(device)),
            ("training", () => Trains(device)),
            ("drawing", () => Draws(device)),
        ];
        bool well = true;
        foreach ((string name, Func<string> check) in checks)
        {
            Stopwatch clock = Stopwatch.StartNew();
            try
            {
                using DisposeScope scope = NewDisposeScope();
                show(name, string.Create(CultureInfo.InvariantCulture, $"well: {check()}, {clock.Elapsed.TotalSeconds:F1} s"));
            }
            catch (Exception e)
            {
                well = false;
                show(name, $"FAILED: {e.Message.Split('\n')[0]}");
            }
        }
        return well;
    }

    private static string Near(double tolerance, Func<Tensor, Tensor> compute, Device device)
    {
        using Generator generator = Streams.For(Seed, "doctor");
        Tensor x = randn([256, 64], ScalarType.Float32, CPU, generator: generator);
        Tensor there = compute(x.to(device)).cpu(), again = compute(x.to(device)).cpu();
        double apart = Apart(compute(x), there);
        return apart > tolerance ? throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{apart:G3} apart from the processor's"))
            : string.Create(CultureInfo.InvariantCulture, $"at most {apart:G2} from the processor's{(Apart(there, again) == 0 ? ", the same bits twice" : ", OTHER BITS the second time")}");
    }

    private static string Autocasts(Device device)
    {
        Tensor x = ones([16, 16], device: device);
        using IDisposable? region = Autocast.For(Precision.BFloat16, device);
        return x.mm(x).dtype is var dtype && dtype == ScalarType.BFloat16 ? "products in bfloat16" : throw new InvalidOperationException($"products come out as {dtype}");
    }

    // A few steps of the small autoencoder, twice.
    private static string Trains(Device device)
    {
        (float Loss, float[] Weights) first = Train(device), second = Train(device);
        return float.IsFinite(first.Loss)
            ? string.Create(CultureInfo.InvariantCulture, $"loss {first.Loss:G3} after 4 steps{(first.Weights.SequenceEqual(second.Weights) ? ", the same bits twice" : ", OTHER BITS the second time")}")
            : throw new InvalidOperationException("the loss is not finite");
    }

    private static (float Loss, float[] Weights) Train(Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        using ImageAutoencoder autoencoder = new(new AutoencoderConfig { Width = 16, Multipliers = [1, 2], LatentChannels = 4 });
        Initialization.Apply(autoencoder, Seed);
        autoencoder.to(device);
        autoencoder.train();
        using FusedOptimizer optimizer = new(autoencoder, 0.01, 0.9);
        using Generator generator = Streams.For(Seed, "doctor.pictures");
        Tensor pixels = rand([4, 3, 16, 16], ScalarType.Float32, CPU, generator: generator).to(device);
        float last = float.NaN;
        for (int step = 0; step < 4; step++)
        {
            using DisposeScope inner = NewDisposeScope();
            optimizer.ZeroGradients();
            Tensor loss = ReconstructionLoss.Of(autoencoder.Decode(autoencoder.Encode(pixels).Mean), pixels, new ReconstructionWeights());
            loss.backward();
            optimizer.Step(1e-3, 1, loss);
            last = loss.cpu().item<float>();
        }
        return (last, [.. autoencoder.parameters().SelectMany(p => p.detach().cpu().data<float>().ToArray())]);
    }

    // The shipped model's picture of one prompt and noise, here and on the processor.
    private static string Draws(Device device)
    {
        using LoadedModel here = ReleasedFolder.Load(ShippedModel.Folder, device), there = ReleasedFolder.Load(ShippedModel.Folder, CPU);
        int side = here.ImageSize ?? 32;
        GenerationRequest request = new() { Prompts = ["a red circle"], Height = side, Width = side, Seed = Seed, Sampling = here.Sampling };
        double apart = Apart(here.Generator().Draw(request).cpu(), there.Generator().Draw(request));
        return apart > 0.1 ? throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"a picture {apart:G3} apart from the processor's (of 2)"))
            : string.Create(CultureInfo.InvariantCulture, $"a picture at most {apart:G2} from the processor's (of 2)");
    }

    private static double Apart(Tensor one, Tensor other) => one.sub(other).abs().max().to_type(ScalarType.Float64).item<double>();
}
