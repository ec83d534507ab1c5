using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>y = cast(x / √(mean(x²) + ε)) ⊙ weight, the mean in float32 (spec §2.2).</summary>
public sealed class RmsNorm : nn.Module<Tensor, Tensor>
{
    internal readonly Parameter weight;
    private readonly double _epsilon;

    /// <summary>Over the last axis of <paramref name="width"/> features.</summary>
    public RmsNorm(int width, double epsilon, Device? device = null, ScalarType? dtype = null)
        : base(nameof(RmsNorm))
    {
        weight = new Parameter(ones(width, dtype: dtype, device: device));
        weight.DetachFromDisposeScope(); // lives as long as the module, whatever scope it is built in
        _epsilon = epsilon;
        RegisterComponents();
    }

    /// <summary>[…, width] to the same shape and dtype.</summary>
    public override Tensor forward(Tensor input)
    {
        if (RowPasses.Suit(training, input, weight))
        {
            return RmsNormPass.Of(input, weight, _epsilon);
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor x = input.to_type(ScalarType.Float32);
        Tensor scale = x.Squared().mean([-1], keepdim: true).Plus(_epsilon).rsqrt();
        return x.mul(scale).to_type(input.dtype).mul(weight).MoveToOuterDisposeScope();
    }
}
