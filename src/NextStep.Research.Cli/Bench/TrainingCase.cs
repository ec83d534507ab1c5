using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>Steps of the training loop itself beside the processor's bound, and what their matrix products and their optimizer take alone.</summary>
internal static class TrainingCase
{
    private const int Batch = 8;
    private const int Side = 8;

    /// <summary>Rows <c>training</c> and <c>optimizer</c>.</summary>
    public static IReadOnlyList<BenchRow> Run(BenchOptions options)
    {
        using TrainedModel trained = new(new ModelConfig { Size = ModelSize.Small }, 16, Batch, Side);
        using MachineSpeed machine = new();
        Parts full = Measure(trained, machine, options.Rounds, Precision.Float32);
        Parts half = Measure(trained, machine, options.Rounds, Precision.BFloat16);
        string work = FormattableString.Invariant($"training step of `small` ({trained.Count / 1e6:F0} M), {Batch} pictures of {Side * Side} tokens");
        double rate = full.Operations / full.Products * 1e-6, plain = MachineSpeed.MultiplyOperations / full.Plain * 1e-6, peak = ProcessorPeak.GigaFlops(get_num_threads());
        return
        [
            new BenchRow("training", work + ", fp32", full.Step, "multiply-adds of its linear layers ÷ the processor's peak", new BenchValue(BenchKind.Share, full.Operations / full.Step * 1e-6 / peak), new BenchValue(BenchKind.Share, 0.6))
            {
                Details = new Dictionary<string, double>
                {
                    ["imagesPerSecond"] = 1000 * Batch / full.Step,
                    ["productsMs"] = full.Products,
                    ["productsGFLOPs"] = rate,
                    ["plainGFLOPs"] = plain,
                    ["peakGFLOPs"] = peak,
                    ["bf16StepMs"] = half.Step,
                    ["bf16ImagesPerSecond"] = 1000 * Batch / half.Step,
                    ["bf16ProductsMs"] = half.Products,
                    ["bf16PlainGFLOPs"] = MachineSpeed.MultiplyOperations / half.Plain * 1e-6,
                },
            },
            new BenchRow("optimizer", "AdamW, clipping and average of that step", full.Optimizer, "the training step", new BenchValue(BenchKind.ShareAtMost, full.Optimizer / full.Step), new BenchValue(BenchKind.ShareAtMost, 0.1))
            {
                Details = new Dictionary<string, double> { ["bf16StepShare"] = half.Optimizer / half.Step },
            },
        ];
    }

    private sealed record Parts(double Step, double Products, double Optimizer, double Plain, double Operations);

    // The loop reports after every step; in that pause the parts are timed, so that they meet the same machine as the step.
    private static Parts Measure(TrainedModel trained, MachineSpeed machine, int rounds, Precision precision)
    {
        Product[] products = Products(trained.Model, trained.Batch, precision.ToScalarType());
        using FusedOptimizer optimizer = new(trained.Model, 0.02, 0.995);
        List<double> steps = [], alone = [], optimizing = [], plain = [];
        double start = Timings.Now;
        trained.Train(rounds + 1, precision, () =>
        {
            steps.Add(Timings.Now - start);
            using IDisposable guard = no_grad();
            alone.Add(Time(() => Array.ForEach(products, p => p.Run())));
            optimizing.Add(Time(() => optimizer.Step(0, 1)));
            plain.Add(Time(precision == Precision.Float32 ? machine.Multiply : machine.MultiplyHalf));
            start = Timings.Now;
        });
        double operations = products.Sum(p => p.Operations);
        Array.ForEach(products, p => p.Dispose());
        return new Parts(Median(steps), Median(alone), Median(optimizing), Median(plain), operations);
    }

    private static double Time(Action work)
    {
        using DisposeScope scope = NewDisposeScope();
        double start = Timings.Now;
        work();
        return Timings.Now - start;
    }

    // The first round warms up.
    private static double Median(List<double> values) => Timings.Median(values.Skip(1));

    // Every linear layer with the rows that it sees; attention's own products are left out.
    private static Product[] Products(NextStepModel model, ModelBatch batch, ScalarType dtype)
    {
        long positions = batch.Ids.numel(), images = batch.Tokens.size(0), draws = images * model.Config.HeadBatchMultiplier;
        using Tensor labels = batch.Labels.narrow(1, 1, batch.Labels.size(1) - 1), predicted = labels.ne(Scalars.Of(SequenceLayout.Ignored)).sum();
        long text = predicted.item<long>();
        return [.. model.named_modules().Where(m => m.module is Linear).Select(m => new Product(
            (Linear)m.module,
            m.name.StartsWith("image_head", StringComparison.Ordinal) ? draws : m.name.StartsWith("image_", StringComparison.Ordinal) ? images : m.name == "lm_head" ? text : positions,
            dtype))];
    }

    // Forward, gradient of the input, gradient of the weight.
    private sealed class Product : IDisposable
    {
        private readonly Tensor _x;
        private readonly Tensor _weight;
        private readonly Tensor _y;

        public Product(Linear layer, long rows, ScalarType dtype)
        {
            using DisposeScope scope = NewDisposeScope();
            _weight = layer.weight!.detach().clone().to_type(dtype).DetachFromDisposeScope();
            _x = ones(rows, _weight.size(1), dtype: dtype).DetachFromDisposeScope();
            _y = ones(rows, _weight.size(0), dtype: dtype).DetachFromDisposeScope();
            Operations = 6.0 * rows * _weight.numel();
        }

        public double Operations { get; }

        public void Run()
        {
            using Tensor forward = nn.functional.linear(_x, _weight), transposed = _y.t();
            using Tensor input = _y.mm(_weight), gradient = transposed.mm(_x);
        }

        public void Dispose()
        {
            _x.Dispose();
            _weight.Dispose();
            _y.Dispose();
        }
    }
}
