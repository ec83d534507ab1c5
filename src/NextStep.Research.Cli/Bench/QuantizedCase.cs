using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>float32, bfloat16, int8 and int4 weights side by side at the released shape: two rows, as guidance needs them.</summary>
internal static class QuantizedCase
{
    private const int Layers = 4, Past = 256, Rows = 2, HeadSteps = 50;

    private static readonly (string Name, WeightScheme? Scheme)[] Forms = [("bf16", null), ("int8", new WeightScheme(8, 32)), ("int4", new WeightScheme(4, 32))];

    /// <summary>A cached step of four layers of the 14B model: the plain forms against the time in which their bytes can be read, the quantized ones against bfloat16.</summary>
    public static IReadOnlyList<BenchRow> Decode(string fp32, string bf16, string int8, string int4, BenchOptions options)
    {
        (string Name, WeightScheme? Scheme)[] forms = [.. Forms, ("fp32", null)];
        TransformerConfig shape = ModelSizes.Released.Transformer with { Layers = Layers, VocabularySize = 8 };
        using IDisposable guard = no_grad();
        List<CausalTransformer> models = [.. forms.Select(f => Filled(new CausalTransformer(shape, META, TypeOf(f.Name)), "", f.Scheme))];
        List<KeyValueCache> caches = [.. forms.Select(_ => new KeyValueCache(shape, Rows, Past + options.Rounds + 1, ScalarType.Float32, CPU))];
        using Tensor prefix = randn(Rows, Past, shape.HiddenSize);
        List<Tensor> inputs = [.. forms.Select(f => randn(Rows, 1, shape.HiddenSize).to_type(TypeOf(f.Name)).alias())];
        for (int i = 0; i < forms.Length; i++)
        {
            using Tensor past = prefix.to_type(TypeOf(forms[i].Name)).alias();
            models[i].Forward(past, null, caches[i]).Dispose();
        }
        double[] bytes = [.. models.Select(m => Bytes(m.named_parameters().Where(p => p.name.StartsWith("layers.", StringComparison.Ordinal)).Select(p => p.parameter)))];
        using MachineSpeed machine = new();
        Timings times = Timings.Of(options.Rounds, [.. forms.Select((f, i) => (f.Name, (Action)(() => models[i].Forward(inputs[i], null, caches[i]).Dispose()))), ("read", machine.Read)]);
        models.ForEach(m => m.Dispose());
        caches.ForEach(c => c.Dispose());
        inputs.ForEach(t => t.Dispose());
        return [Bound(fp32, 3, 0.75), Bound(bf16, 0, 0.75), Row(int8, 1, 2), Row(int4, 2, 3)];

        string Work(int form) => $"decode step, {Layers} layers of the 14B shape, {Rows} rows, {Past} positions, {forms[form].Name}";
        BenchRow Row(string name, int form, double target) => Of(name, Work(form), forms[form].Name, times, bytes[form], target);
        BenchRow Bound(string name, int form, double target)
        {
            BenchRow row = Row(name, form, double.NaN);
            return row with { Against = "bytes ÷ measured read bandwidth", Value = new BenchValue(BenchKind.Share, row.Details["boundShare"]), Target = new BenchValue(BenchKind.Share, target) };
        }
    }

    /// <summary>A token of the released head: 50 steps, two branches.</summary>
    public static IReadOnlyList<BenchRow> Head(string int8, string int4, BenchOptions options)
    {
        FlowHeadConfig shape = ModelSizes.Released.Head with { ConditionWidth = ModelSizes.Released.Head.Width };
        using IDisposable guard = no_grad();
        List<FlowHeadNetwork> heads = [.. Forms.Select(f => Filled(new FlowHeadNetwork(shape, META, ScalarType.BFloat16), "image_head.net.", f.Scheme))];
        List<FlowSampler> samplers = [.. heads.Select(h => new FlowSampler(h, new FlowSamplerOptions { Solver = SamplingSolver.Ode, Steps = HeadSteps }))];
        using Tensor conditions = randn(Rows, shape.ConditionWidth).to_type(ScalarType.BFloat16).alias();
        using DrawnNoise noise = new(0, "bench");
        double[] bytes = [.. heads.Select(h => (HeadSteps * Bytes(h.res_blocks.SelectMany(b => new[] { b.First.weight!, b.Second.weight! }))) + Bytes(h.parameters()))];
        using MachineSpeed machine = new();
        Guidance guidance = new(GuidanceBranches.Text, 3);
        Timings times = Timings.Of(options.Rounds, [.. Forms.Select((f, i) => (f.Name, (Action)(() => samplers[i].Sample(conditions, guidance, noise)))), ("read", machine.Read)]);
        samplers.ForEach(s => s.Dispose());
        heads.ForEach(h => h.Dispose());
        return [Row(int8, 1, 1 / 0.6), Row(int4, 2, double.NaN)];

        BenchRow Row(string name, int form, double target) => Of(name, $"head {shape.Width}×{shape.Layers}, {HeadSteps} steps, 2 branches, {Forms[form].Name}", Forms[form].Name, times, bytes[form], target);
    }

    private static BenchRow Of(string name, string work, string form, Timings times, double bytes, double target)
    {
        double bandwidth = MachineSpeed.ReadBytes / times["read"] * 1e-6;
        return new BenchRow(name, work, times[form], "bf16", new BenchValue(BenchKind.Speedup, times.Ratio("bf16", form)), double.IsNaN(target) ? null : new BenchValue(BenchKind.Speedup, target))
        {
            Details = new Dictionary<string, double>
            {
                ["bf16Ms"] = times["bf16"],
                ["weightGB"] = bytes * 1e-9,
                ["readGBs"] = bandwidth,
                ["achievedGBs"] = bytes / times[form] * 1e-6,
                ["boundShare"] = bytes / bandwidth * 1e-6 / times[form],
            },
        };
    }

    private static ScalarType TypeOf(string form) => form == "fp32" ? ScalarType.Float32 : ScalarType.BFloat16;

    private static double Bytes(IEnumerable<Tensor> weights) => weights.Sum(w => w.numel() * (double)w.element_size());

    // Small numbers in every tensor, for each shape the same: what they are changes no time. Where they lie does: where a loaded model's do.
    private static TModule Filled<TModule>(TModule module, string prefix, WeightScheme? scheme)
        where TModule : nn.Module
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<(string, bool), Tensor> made = [];
        List<(TorchSharp.Modules.Parameter Parameter, Tensor Values)> all = [];
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in module.named_parameters())
        {
            bool chosen = scheme is not null && QuantizedWeights.IsChosen(prefix + name, parameter.shape, scheme);
            (string, bool) kind = (string.Join('×', parameter.shape), chosen);
            if (!made.TryGetValue(kind, out Tensor? values))
            {
                using Tensor plain = rand(parameter.shape).mul_(Scalars.Of(0.02));
                made[kind] = values = chosen ? scheme!.Quantize(plain) : plain.to_type(parameter.dtype).alias();
            }
            all.Add((parameter, values));
        }
        using WeightMemory memory = new(all.Sum(p => WeightMemory.Room(p.Values.shape, p.Values.dtype)));
        foreach ((TorchSharp.Modules.Parameter parameter, Tensor values) in all)
        {
            parameter.requires_grad = false;
            using Tensor own = memory.Copy(values);
            TensorMemory.Assign(parameter, own);
        }
        module.eval();
        return module;
    }
}
