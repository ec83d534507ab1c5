using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// A block of the head in training, forward and backward (spec §3.1, step 5): two products forward and four backward, and what lies between them in one pass over
/// the rows each. The gradient of the modulation is written where it belongs, side by side.
/// </summary>
internal sealed unsafe class FlowHeadBlockPass : autograd.SingleTensorFunction<FlowHeadBlockPass>
{
    /// <inheritdoc/>
    public override string Name => nameof(FlowHeadBlockPass);

    /// <summary>x + gate ⊙ (W₂·silu(W₁·(LN(x)·(1 + scale) + shift) + b₁) + b₂).</summary>
    /// <param name="x">[.., D].</param>
    /// <param name="modulation">[.., 3D]: shift, scale, gate.</param>
    /// <param name="block">Whose weights.</param>
    public static Tensor Of(Tensor x, Tensor modulation, FlowHeadBlock block)
    {
        object[] inputs = [x, modulation, block.in_ln.weight!, block.in_ln.bias!, block.First.weight!, block.First.bias!, block.Second.weight!, block.Second.bias!];
        return is_grad_enabled() ? apply(inputs) : Forward(null, inputs);
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => Forward(ctx, vars);

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        (Tensor x, Tensor modulation, Tensor weight, Tensor bias, Tensor first, Tensor firstBias, Tensor second, Tensor secondBias) = (saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6], saved[7]);
        (Tensor moments, Tensor normed, Tensor hidden, Tensor product) = (saved[8], saved[9], saved[10], saved[11]);
        int rows = RowPasses.Rows(x), width = (int)x.size(-1), inner = (int)first.size(0);
        Tensor dy = grad_output.contiguous(), dProduct = empty(rows, width), dModulation = empty_like(modulation), dx = empty_like(x), active = empty_like(hidden);
        Tensor ofSecondBias = RowPasses.Sums(rows, width), ofFirstBias = RowPasses.Sums(rows, inner), ofWeight = RowPasses.Sums(rows, width), ofBias = RowPasses.Sums(rows, width);
        float* m = Address(modulation), dm = Address(dModulation), given = Address(dy);
        {
            float* values = Address(product), b = Address(secondBias), to = Address(dProduct), sums = Address(ofSecondBias);
            RowPasses.Each(rows, (from, until, chunk) =>
            {
                for (long row = from; row < until; row++)
                {
                    RowPasses.AddGatedGradient(m + (((row * 3) + 2) * width), values + (row * width), b, given + (row * width), dm + (((row * 3) + 2) * width), to + (row * width), sums + ((long)chunk * width), width);
                }
            });
        }
        Tensor dHidden = dProduct.mm(second);
        {
            float* values = Address(hidden), b = Address(firstBias), to = Address(active), gradient = Address(dHidden), sums = Address(ofFirstBias);
            RowPasses.Each(rows, (from, until, chunk) =>
            {
                for (long row = from; row < until; row++)
                {
                    RowPasses.SiluGradient(values + (row * inner), b, to + (row * inner), gradient + (row * inner), sums + ((long)chunk * inner), inner);
                }
            });
        }
        Tensor dSecond = dProduct.t().mm(active), dFirst = dHidden.t().mm(normed), dNormed = dHidden.mm(first);
        {
            float* values = Address(x), w = Address(weight), b = Address(bias), kept = Address(moments), gradient = Address(dNormed), to = Address(dx), dw = Address(ofWeight), db = Address(ofBias);
            RowPasses.Each(rows, (from, until, chunk) =>
            {
                for (long row = from; row < until; row++)
                {
                    RowPasses.ModulatedNormGradient(
                        values + (row * width), w, b, m + (((row * 3) + 1) * width), kept[2 * row], kept[(2 * row) + 1], gradient + (row * width), given + (row * width), to + (row * width),
                        dm + (row * 3 * width), dm + (((row * 3) + 1) * width), dw + ((long)chunk * width), db + ((long)chunk * width), width);
                }
            });
        }
        List<Tensor> gradients = [dx, dModulation, RowPasses.Total(ofWeight), RowPasses.Total(ofBias), dFirst, RowPasses.Total(ofFirstBias), dSecond, RowPasses.Total(ofSecondBias)];
        GC.KeepAlive(saved);
        return [.. gradients.Select(g => g.MoveToOuterDisposeScope())];
    }

    private static Tensor Forward(autograd.AutogradContext? ctx, object[] vars)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor[] inputs = [.. vars.Select(v => ((Tensor)v).contiguous())];
        (Tensor x, Tensor modulation, Tensor weight, Tensor bias, Tensor first, Tensor second) = (inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], inputs[6]);
        int rows = RowPasses.Rows(x), width = (int)x.size(-1), inner = (int)first.size(0);
        Tensor moments = empty(rows, 2), normed = empty(rows, width), y = empty_like(x);
        float* m = Address(modulation), values = Address(x), w = Address(weight), b = Address(bias), kept = Address(moments), to = Address(normed);
        RowPasses.Each(rows, (from, until, _) =>
        {
            for (long row = from; row < until; row++)
            {
                (kept[2 * row], kept[(2 * row) + 1]) = RowPasses.ModulatedNorm(
                    values + (row * width), w, b, m + (row * 3 * width), m + (((row * 3) + 1) * width), to + (row * width), width, (float)FlowHeadBlock.Epsilon);
            }
        });
        Tensor hidden = normed.mm(first.t()), active = empty_like(hidden);
        {
            float* sums = Address(hidden), added = Address(inputs[5]), result = Address(active);
            RowPasses.Each(rows, (from, until, _) =>
            {
                for (long row = from; row < until; row++)
                {
                    RowPasses.Silu(sums + (row * inner), added, result + (row * inner), inner);
                }
            });
        }
        Tensor product = active.mm(second.t());
        {
            float* sums = Address(product), added = Address(inputs[7]), result = Address(y);
            RowPasses.Each(rows, (from, until, _) =>
            {
                for (long row = from; row < until; row++)
                {
                    RowPasses.AddGated(values + (row * width), m + (((row * 3) + 2) * width), sums + (row * width), added, result + (row * width), width);
                }
            });
        }
        RowPasses.Keep(ctx, [.. inputs, moments, normed, hidden, product]);
        GC.KeepAlive(inputs);
        return y.MoveToOuterDisposeScope();
    }

    private static float* Address(Tensor tensor) => (float*)TensorMemory.Address(tensor);
}
