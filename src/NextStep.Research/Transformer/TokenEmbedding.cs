using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Rows of a table by id. TorchSharp's own embedding draws its table on the CPU whatever device is asked for, which for the
/// released vocabulary takes gigabytes and half a minute; this one starts at zero, where it will live.
/// </summary>
internal sealed class TokenEmbedding : nn.Module<Tensor, Tensor>
{
    internal readonly Parameter weight;

    /// <summary>A table of <paramref name="rows"/> rows.</summary>
    public TokenEmbedding(int rows, int width, Device? device = null, ScalarType? dtype = null)
        : base(nameof(TokenEmbedding))
    {
        weight = new Parameter(zeros(rows, width, dtype: dtype, device: device));
        weight.DetachFromDisposeScope();
        RegisterComponents();
    }

    /// <summary>Ids [..] int64 to [.., width].</summary>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        return weight.index_select(0, input.flatten()).view([.. input.shape, weight.size(1)]).MoveToOuterDisposeScope();
    }
}
