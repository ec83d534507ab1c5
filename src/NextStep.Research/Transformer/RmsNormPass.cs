using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>RMSNorm in training (spec §2.2), forward and backward in one pass over the rows each.</summary>
internal sealed unsafe class RmsNormPass : autograd.SingleTensorFunction<RmsNormPass>
{
    /// <inheritdoc/>
    public override string Name => nameof(RmsNormPass);

    /// <summary>x / √(mean(x²) + ε) ⊙ weight, over the last axis.</summary>
    public static Tensor Of(Tensor x, Tensor weight, double epsilon) => is_grad_enabled() ? apply(x, weight, epsilon) : Forward(null, x, weight, epsilon);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => Forward(ctx, (Tensor)vars[0], (Tensor)vars[1], (double)vars[2]);

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        (Tensor x, Tensor weight, Tensor inverses) = (saved[0], saved[1], saved[2]);
        int rows = RowPasses.Rows(x), width = (int)x.size(-1);
        Tensor dy = grad_output.contiguous(), dx = empty_like(x), sums = RowPasses.Sums(rows, width);
        float* values = Address(x), w = Address(weight), kept = Address(inverses), given = Address(dy), to = Address(dx), dw = Address(sums);
        RowPasses.Each(rows, (from, until, chunk) =>
        {
            for (long row = from; row < until; row++)
            {
                RowPasses.RootMeanSquareGradient(values + (row * width), w, kept[row], given + (row * width), to + (row * width), dw + ((long)chunk * width), width);
            }
        });
        List<Tensor> gradients = [dx.MoveToOuterDisposeScope(), RowPasses.Total(sums).MoveToOuterDisposeScope(), null!];
        GC.KeepAlive(saved);
        return gradients;
    }

    private static Tensor Forward(autograd.AutogradContext? ctx, Tensor input, Tensor weight, double epsilon)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = input.contiguous(), y = empty_like(x);
        int rows = RowPasses.Rows(x), width = (int)x.size(-1);
        Tensor inverses = empty(rows);
        float* values = Address(x), w = Address(weight), kept = Address(inverses), to = Address(y);
        RowPasses.Each(rows, (from, until, _) =>
        {
            for (long row = from; row < until; row++)
            {
                kept[row] = RowPasses.RootMeanSquare(values + (row * width), w, to + (row * width), width, (float)epsilon);
            }
        });
        RowPasses.Keep(ctx, x, weight, inverses);
        return y.MoveToOuterDisposeScope();
    }

    private static float* Address(Tensor tensor) => (float*)TensorMemory.Address(tensor);
}
