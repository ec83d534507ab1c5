using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>One cached step of a transformer whose weights take a gigabyte.</summary>
internal static class DecodeCase
{
    private const int Hidden = 2048, Intermediate = 5632, Past = 256, Steps = 6;

    /// <summary>Batch 1, in <paramref name="dtype"/>.</summary>
    public static BenchRow Run(string name, ScalarType dtype, BenchOptions options)
    {
        bool half = dtype == ScalarType.BFloat16;
        ByteTokenizer tokenizer = new();
        NextStepConfig config = ModelSizes.Resolve(
            new ModelConfig
            {
                Transformer = new TransformerOptions { Layers = half ? 12 : 6, Width = Hidden, Heads = 16, KeyValueHeads = 4, Intermediate = Intermediate },
                Head = new FlowHead { Width = 64, Layers = 1 },
            },
            new AutoencoderConfig(), tokenizer);
        using NextStepModel model = new(config, CPU, dtype);
        model.eval();
        OpByOpModel naive = new(model);
        int room = Past + (Steps * (options.Rounds + 1));
        using KeyValueCache cache = new(config.Transformer, 1, room, ScalarType.Float32, CPU);
        using Tensor prefix = randn(1, Past, Hidden).to_type(dtype).alias(), next = randn(1, 1, Hidden).to_type(dtype).alias();
        using (no_grad())
        {
            model.Transformer.Forward(prefix, null, cache).Dispose();
            if (options.Naive)
            {
                naive.Forward(prefix).Dispose();
            }
        }
        using MachineSpeed machine = new();
        List<(string, Action)> works = [("ours", () => Repeat(() => model.Transformer.Forward(next, null, cache))), ("read", machine.Read), ("copy", machine.Copy)];
        if (options.Naive)
        {
            works.Insert(0, ("naive", () => Repeat(() => naive.Forward(next))));
        }
        Timings times = Timings.Of(options.Rounds, [.. works]);
        naive.Reset();
        double bytes = model.named_parameters().Where(p => p.name.StartsWith("layers.", StringComparison.Ordinal)).Sum(p => p.parameter.numel() * (double)p.parameter.element_size());
        double bandwidth = MachineSpeed.ReadBytes / times["read"] * 1e-6, step = times["ours"] / Steps, bound = bytes / bandwidth * 1e-6;
        Dictionary<string, double> details = new()
        {
            ["weightGB"] = bytes * 1e-9,
            ["readGBs"] = bandwidth,
            ["copyGBs"] = 2 * MachineSpeed.ReadBytes / times["copy"] * 1e-6,
            ["achievedGBs"] = bytes / step * 1e-6,
            ["tokensPerSecond"] = 1000 / step,
        };
        if (options.Naive)
        {
            details["naiveMs"] = times["naive"] / Steps;
            details["speedup"] = times.Ratio("naive", "ours");
        }
        return new BenchRow(
            name, $"decode step, {config.Transformer.Layers} layers of {Hidden}, 1 GB of weights, batch 1, {Past} positions, {(half ? "bf16" : "fp32")}", step,
            "bytes ÷ measured read bandwidth", new BenchValue(BenchKind.Share, bound / step), new BenchValue(BenchKind.Share, 0.5))
        {
            Details = details,
        };
    }

    private static void Repeat(Func<Tensor> work)
    {
        for (int i = 0; i < Steps; i++)
        {
            work().Dispose();
        }
    }
}
