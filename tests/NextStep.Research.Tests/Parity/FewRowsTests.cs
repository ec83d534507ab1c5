using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>The forms for few rows on the CPU against torch's own products.</summary>
public sealed class FewRowsTests : IDisposable
{
    private readonly IDisposable _guard = no_grad();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _guard.Dispose();
    }

    [Theory]
    [InlineData(1, 16, 4, true)]
    [InlineData(2, 64, 12, false)]
    [InlineData(5, 1536, 100, true)]
    [InlineData(7, 256, 512, true)]
    [InlineData(16, 512, 1024, false)]
    public void A_layer_of_few_rows_is_the_product(int rows, int inputs, int outputs, bool bias)
    {
        using Linear layer = Layer(inputs, outputs, bias);
        Tensor x = TinyModels.Normal("x", rows, inputs);
        Assert.True(RowLinear.Suits(layer, rows));
        Tensor wide = Reference(layer, x);
        Assert.InRange(TinyModels.Distance(wide, RowLinear.Forward(layer, x).to_type(ScalarType.Float64)), 0, 2e-6);
    }

    [Fact]
    public void Bfloat16_weights_give_the_exact_product_rounded_once()
    {
        using Linear layer = Layer(256, 96, true);
        layer.to(ScalarType.BFloat16);
        Tensor x = TinyModels.Normal("x", 3, 256).to_type(ScalarType.BFloat16);
        Tensor exact = Reference(layer, x), ours = RowLinear.Forward(layer, x);
        Assert.Equal(ScalarType.BFloat16, ours.dtype);
        // Half a unit in the last of 8 bits, and a hair for sums that end near the middle of two numbers.
        Tensor allowed = exact.abs().mul(1.0 / 256).add(1e-5);
        Assert.True(exact.sub(ours.to_type(ScalarType.Float64)).abs().le(allowed).all().item<bool>());
    }

    [Fact]
    public void Rounding_to_bfloat16_is_torchs()
    {
        Tensor x = cat([TinyModels.Normal("x", 1000), tensor([1.00390625f, 1.01171875f, -0f, float.PositiveInfinity, float.NaN, 3.4e38f, 1e-40f])]);
        float[] values = [.. x.data<float>()];
        float[] theirs = [.. x.to_type(ScalarType.BFloat16).to_type(ScalarType.Float32).data<float>()];
        Assert.Equal(theirs, values.Select(v => BrainFloat.Widen(BrainFloat.Round(v))));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 768)]
    [InlineData(ScalarType.BFloat16, 772)] // no multiple of the eight outputs that two rows take at once
    public void A_row_does_not_depend_on_its_company_nor_on_the_number_of_threads(ScalarType dtype, int outputs)
    {
        using Linear layer = Layer(512, outputs, true);
        layer.to(dtype);
        Tensor x = TinyModels.Normal("x", 7, 512).to_type(dtype);
        Tensor together = RowLinear.Forward(layer, x);
        for (int i = 0; i < 7; i++)
        {
            TensorAssert.Same(together.narrow(0, i, 1), RowLinear.Forward(layer, x.narrow(0, i, 1)));
        }
        int threads = get_num_threads();
        try
        {
            set_num_threads(3);
            TensorAssert.Same(together, RowLinear.Forward(layer, x));
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void What_does_not_suit_goes_to_torch()
    {
        using Linear layer = Layer(24, 20, true);
        Assert.False(RowLinear.Suits(layer, 2)); // 24 inputs are no multiple of 16
        Tensor x = TinyModels.Normal("x", 2, 24);
        TensorAssert.Same(layer.forward(x), RowLinear.Forward(layer, x));
        using Linear wide = Layer(32, 16, true);
        Assert.False(RowLinear.Suits(wide, RowLinear.MostRows + 1));
        using IDisposable training = enable_grad();
        Assert.False(RowLinear.Suits(wide, 2));
        using Tensor gradient = RowLinear.Forward(wide, TinyModels.Normal("x", 2, 32));
        Assert.True(gradient.requires_grad);
    }

    [Fact]
    public void A_failing_part_is_told_and_the_team_goes_on()
    {
        int threads = get_num_threads();
        try
        {
            set_num_threads(2);
            CpuTeam team = CpuTeam.Shared;
            Assert.Throws<InvalidOperationException>(() => team.Run(part =>
            {
                if (part == 1)
                {
                    throw new ArithmeticException("no");
                }
                team.Meet();
            }));
            int[] seen = new int[2];
            team.Run(part =>
            {
                seen[part] = 1;
                team.Meet();
                seen[part] += seen[1 - part];
            });
            Assert.All(seen, s => Assert.True(s >= 2));
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    // Issue: worst difference to the op-by-op form at fp32 under 1e-4 relative.
    [Theory]
    [InlineData("ode", GuidanceBranches.Text, 1, ScalarType.Float32, 1e-5)]
    [InlineData("sde", GuidanceBranches.None, 3, ScalarType.Float32, 1e-5)]
    [InlineData("cps", GuidanceBranches.Text, 4, ScalarType.Float32, 1e-5)]
    [InlineData("reference", GuidanceBranches.TextAndImage, 2, ScalarType.Float32, 1e-5)]
    [InlineData("sde", GuidanceBranches.Text, 2, ScalarType.BFloat16, 0.03)]
    public void The_head_in_step_is_the_head_op_by_op(string kindName, GuidanceBranches branches, int pictures, ScalarType dtype, double tolerance)
    {
        SamplingSolver kind = (SamplingSolver)ComponentCatalog.Make(typeof(SamplingSolver), kindName);
        FlowHeadConfig config = new() { TokenWidth = 16, ConditionWidth = 48, Width = 128, Layers = 3, MlpRatio = 1.5 };
        using FlowHeadNetwork network = new(config);
        TinyModels.Randomize(network, 4);
        network.to(dtype);
        FlowSamplerOptions options = new() { Solver = kind, Steps = 9, TimestepShift = 1.5 };
        int rows = pictures * (int)branches;
        Tensor conditions = TinyModels.Normal("c", rows, 48).to_type(dtype);
        Guidance guidance = new(branches, 2.5, 1.5);
        using DrawnNoise ours = new(3, "noise"), theirs = new(3, "noise");
        using FlowSampler sampler = new(network, options);
        Assert.NotNull(FlowHeadRows.For(network, rows));
        List<Tensor> states = [];
        Tensor drawn = sampler.Sample(conditions, guidance, ours, s => states.Add(s.clone().DetachFromDisposeScope()));

        FlowSolver solver = new(options);
        Tensor x = theirs.Normal(pictures, 16);
        for (int i = 0; i < options.Steps; i++)
        {
            Tensor velocity = network.forward(x.repeat((int)branches, 1).to_type(dtype), full(rows, solver.Times[i]).to_type(dtype), conditions).to_type(ScalarType.Float32);
            x = solver.Step(x, guidance.Combine(velocity), i, () => theirs.Normal(pictures, 16));
            Assert.InRange(TinyModels.Distance(x, states[i]) / x.abs().max().item<float>(), 0, tolerance);
        }
        Assert.InRange(TinyModels.Distance(x, drawn) / x.abs().max().item<float>(), 0, tolerance);
        states.ForEach(s => s.Dispose());
    }

    private static Linear Layer(int inputs, int outputs, bool bias)
    {
        Linear layer = nn.Linear(inputs, outputs, bias);
        TinyModels.Randomize(layer, 9);
        return layer;
    }

    private static Tensor Reference(Linear layer, Tensor x)
    {
        Tensor y = x.to_type(ScalarType.Float64).matmul(layer.weight!.to_type(ScalarType.Float64).t());
        return layer.bias is null ? y : y + layer.bias.to_type(ScalarType.Float64);
    }
}
