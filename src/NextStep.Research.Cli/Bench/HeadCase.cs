using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>Sampling of one token a picture: 50 steps of the ODE, two guidance branches.</summary>
internal static class HeadCase
{
    private const int Steps = 50;
    private const int TokenWidth = 64;

    /// <summary>Ours, in <paramref name="dtype"/>, against op by op in float32.</summary>
    public static BenchRow Run(string name, int width, int layers, int pictures, ScalarType dtype, double target, BenchOptions options)
    {
        FlowHeadConfig config = new() { TokenWidth = TokenWidth, ConditionWidth = width, Width = width, Layers = layers };
        using FlowHeadNetwork slow = new(config);
        using FlowHeadNetwork fast = new(config);
        fast.to(dtype);
        OpByOpHead naive = new(slow);
        FlowSamplerOptions sampling = new() { Solver = SamplingSolver.Ode, Steps = Steps };
        using FlowSampler sampler = new(fast, sampling);
        using Tensor conditions = randn(2 * pictures, width), converted = conditions.to_type(dtype).alias();
        Guidance guidance = new(GuidanceBranches.Text, 3);
        using DrawnNoise noise = new(0, "bench");
        using MachineSpeed machine = new();
        List<(string, Action)> works = [("ours", () => sampler.Sample(converted, guidance, noise)), ("read", machine.Read)];
        if (options.Naive)
        {
            works.Insert(0, ("naive", () => naive.Sample(conditions, guidance, noise, sampling)));
        }
        Timings times = Timings.Of(options.Rounds, [.. works]);
        // What must be read: the two square products of every block at every step, everything else once.
        double stepped = layers * 2.0 * width * width, once = ((layers * 3.0) + 2 + 1) * width * width;
        double bytes = ((Steps * stepped) + once) * (dtype == ScalarType.BFloat16 ? 2 : 4);
        double bandwidth = MachineSpeed.ReadBytes / times["read"] * 1e-6;
        double bound = bytes / bandwidth * 1e-6;
        Dictionary<string, double> details = new()
        {
            ["msPerToken"] = times["ours"] / pictures,
            ["readGBs"] = bandwidth,
            ["achievedGBs"] = bytes / times["ours"] * 1e-6,
            ["boundMs"] = bound,
            ["boundShare"] = bound / times["ours"],
        };
        if (options.Naive)
        {
            details["naiveMs"] = times["naive"];
        }
        string type = dtype == ScalarType.BFloat16 ? "bf16" : "fp32";
        return new BenchRow(
            name, $"head {width}×{layers}, {Steps} steps, 2 branches, batch {pictures}, {type}", times["ours"], "op by op, fp32",
            new BenchValue(BenchKind.Speedup, options.Naive ? times.Ratio("naive", "ours") : double.NaN), new BenchValue(BenchKind.Speedup, target))
        {
            Details = details,
        };
    }
}
