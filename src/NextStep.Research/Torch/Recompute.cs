using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Gradient checkpointing: a part's intermediate results are dropped after the forward pass and computed again in the backward pass,
/// which trades a third more time for memory. The part must draw no random numbers. Gradients are the same bits.
/// </summary>
internal sealed class Recompute : autograd.SingleTensorFunction<Recompute>
{
    [ThreadStatic]
    private static bool _running;

    /// <inheritdoc/>
    public override string Name => nameof(Recompute);

    /// <summary>Whether a part is computed without gradients that the backward pass will compute again with them, so that it has to take the same forms.</summary>
    public static bool Running => _running;

    /// <summary>part(x, constants), differentiable in x and in the parameters that the part uses.</summary>
    /// <param name="part">A pure function; called again in the backward pass.</param>
    /// <param name="x">Its input.</param>
    /// <param name="constants">Other tensors that it needs; kept until the backward pass is done.</param>
    public static Tensor Run(Func<Tensor, Tensor[], Tensor> part, Tensor x, params Tensor[] constants)
    {
        if (!is_grad_enabled() || !x.requires_grad)
        {
            return part(x, constants);
        }
        return apply(x, new Call(part, [.. constants.Select(c => c.alias().DetachFromDisposeScope())], Autocast.Current));
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        (Tensor x, Call call) = ((Tensor)vars[0], (Call)vars[1]);
        ctx.save_for_backward([x]);
        ctx.save_data(nameof(Call), call);
        using IDisposable guard = no_grad();
        _running = true;
        try
        {
            return call.Part(x, call.Constants);
        }
        finally
        {
            _running = false;
        }
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        Call call = (Call)ctx.get_data(nameof(Call));
        using DisposeScope scope = NewDisposeScope();
        Tensor x = ctx.get_saved_variables()[0].detach().requires_grad_(true);
        using (enable_grad())
        {
            Tensor y;
            using (call.Precision is { } precision ? Autocast.For(precision.Precision, precision.Device) : null)
            {
                y = call.Part(x, call.Constants);
            }
            y.backward([grad_output]);
        }
        Array.ForEach(call.Constants, c => c.Dispose());
        return [x.grad!.MoveToOuterDisposeScope(), null!];
    }

    private sealed record Call(Func<Tensor, Tensor[], Tensor> Part, Tensor[] Constants, (Precision Precision, Device Device)? Precision);
}
