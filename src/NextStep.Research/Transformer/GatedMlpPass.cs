using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The gated MLP in training (spec §2.2), forward and backward: gate and up are one product, and their gate one pass over the rows.</summary>
internal sealed unsafe class GatedMlpPass : autograd.SingleTensorFunction<GatedMlpPass>
{
    /// <inheritdoc/>
    public override string Name => nameof(GatedMlpPass);

    /// <summary>down(silu(gate(x)) ⊙ up(x)), x [.., H]; weights as linear layers hold them, no biases.</summary>
    public static Tensor Of(Tensor x, Tensor gate, Tensor up, Tensor down) => is_grad_enabled() ? apply(x, gate, up, down) : Forward(null, x, gate, up, down);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => Forward(ctx, (Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (Tensor)vars[3]);

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        (Tensor x, Tensor weights, Tensor down, Tensor both) = (saved[0], saved[1], saved[2], saved[3]);
        int rows = RowPasses.Rows(x), inner = (int)down.size(1);
        Tensor dy = grad_output.reshape(rows, -1), product = dy.mm(down), dBoth = empty_like(both);
        float* values = Address(both), given = Address(product), gradient = Address(dBoth);
        RowPasses.Each(rows, (from, until, _) =>
        {
            for (long row = from; row < until; row++)
            {
                RowPasses.GatedGradient(values + (row * 2 * inner), given + (row * inner), gradient + (row * 2 * inner), inner);
            }
        });
        Tensor[] ofWeights = dBoth.t().mm(x.view(rows, -1)).chunk(2, 0);
        Tensor[] gradients = [dBoth.mm(weights).view(x.shape), ofWeights[0], ofWeights[1], dy.t().mm(product)];
        GC.KeepAlive(saved);
        return [.. gradients.Select(g => g.MoveToOuterDisposeScope())];
    }

    private static Tensor Forward(autograd.AutogradContext? ctx, Tensor input, Tensor gate, Tensor up, Tensor down)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int rows = RowPasses.Rows(input), inner = (int)down.size(1);
        Tensor x = input.contiguous(), weights = cat([gate, up], 0), both = x.view(rows, -1).mm(weights.t()), product = empty(rows, inner);
        float* values = Address(both), to = Address(product);
        RowPasses.Each(rows, (from, until, _) =>
        {
            for (long row = from; row < until; row++)
            {
                RowPasses.Gated(values + (row * 2 * inner), to + (row * inner), inner);
            }
        });
        RowPasses.Keep(ctx, x, weights, down, both);
        return product.mm(down.t()).view(x.shape).MoveToOuterDisposeScope();
    }

    private static float* Address(Tensor tensor) => (float*)TensorMemory.Address(tensor);
}
