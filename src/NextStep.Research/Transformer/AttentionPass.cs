using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Causal self-attention in training, up to the product behind it, forward and backward (spec §2.2): queries, keys and values in one product; rotation, scores'
/// softmax and their gradients in one pass each.
/// </summary>
internal sealed unsafe class AttentionPass : autograd.SingleTensorFunction<AttentionPass>
{
    /// <inheritdoc/>
    public override string Name => nameof(AttentionPass);

    /// <summary>Whether sequences of that length and heads of that shape go this way.</summary>
    public static bool Suits(Tensor x, TransformerConfig config) => x.size(1) * x.size(1) <= DotAttention.Most && config.HeadDim % 8 == 0;

    /// <summary>The heads' mixed values, [batch, positions, heads·d].</summary>
    /// <param name="x">[batch, positions, H].</param>
    /// <param name="weights">Of queries, keys and values, as linear layers hold them.</param>
    /// <param name="biases">Theirs; all or none.</param>
    /// <param name="angles">Of the positions.</param>
    /// <param name="mask">What is added to scores, [batch or 1, 1, positions, positions]; null = plain causal.</param>
    /// <param name="config">Heads and their width.</param>
    public static Tensor Of(Tensor x, Tensor[] weights, Tensor[]? biases, RotaryAngles angles, Tensor? mask, TransformerConfig config)
    {
        Shape shape = new((int)x.size(0), (int)x.size(1), config.Heads, config.KeyValueHeads, config.HeadDim, angles.Cosine.size(0) > 1, mask is not null && mask.size(0) > 1);
        object[] inputs = [x, .. weights, .. biases ?? [], angles.Cosine.contiguous(), angles.Sine.contiguous(), .. mask is null ? Array.Empty<Tensor>() : [mask.contiguous()], shape];
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
        (Shape s, int inputs) = ((Shape, int))ctx.get_data(nameof(Shape));
        (Tensor x, Tensor weights, Tensor cosines, Tensor sines, Tensor q, Tensor k, Tensor v, Tensor p) = (saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6], saved[7]);
        Tensor dMixed = grad_output.view(s.Batch, s.Length, s.Heads, s.Width).transpose(1, 2).contiguous().view(s.All, s.Length, s.Width);
        Tensor dv = p.transpose(1, 2).bmm(dMixed), scores = dMixed.bmm(v.transpose(1, 2));
        {
            float* kept = Address(p), gradient = Address(scores);
            RowPasses.Each(s.All * s.Length, (from, until, _) =>
            {
                for (long row = from; row < until; row++)
                {
                    AttentionKernels.SoftmaxGradient(kept + (row * s.Length), gradient + (row * s.Length), s.Length);
                }
            });
        }
        Tensor dq = scores.bmm(k), dk = scores.transpose(1, 2).bmm(q), projected = zeros(s.Batch * s.Length, s.Projected);
        {
            float* cosine = Address(cosines), sine = Address(sines), ofQ = Address(dq), ofK = Address(dk), ofV = Address(dv), to = Address(projected);
            RowPasses.Each(s.Batch * s.Length, (from, until, _) =>
            {
                for (int row = from; row < until; row++)
                {
                    long angle = s.Angle(row);
                    float* start = to + ((long)row * s.Projected);
                    for (int head = 0; head < s.Heads; head++)
                    {
                        long at = s.At(row, head);
                        AttentionKernels.RotateGradient(ofQ + at, cosine + angle, sine + angle, s.Scale, start + (head * s.Width), s.Width / 2);
                        AttentionKernels.RotateGradient(ofK + at, cosine + angle, sine + angle, 1, start + s.Key(head), s.Width / 2);
                        AttentionKernels.Add(ofV + at, null, start + s.Value(head), s.Width);
                    }
                }
            });
        }
        long[] parts = [(long)s.Heads * s.Width, (long)s.Shared * s.Width, (long)s.Shared * s.Width];
        List<Tensor> gradients = [projected.mm(weights).view(x.shape), .. projected.t().mm(x.view(projected.size(0), -1)).split(parts, 0)];
        if (s.Biased)
        {
            gradients.AddRange(RowPasses.Total(projected).split(parts, 0));
        }
        GC.KeepAlive(saved);
        List<Tensor> all = [.. gradients.Select(g => g.MoveToOuterDisposeScope())];
        all.AddRange(Enumerable.Repeat<Tensor>(null!, inputs - all.Count));
        return all;
    }

    private static Tensor Forward(autograd.AutogradContext? ctx, object[] vars)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor[] given = [.. vars.OfType<Tensor>()];
        Shape s = (Shape)vars[^1];
        bool biased = given.Length > 5 && given[4].dim() == 1;
        s = s with { Biased = biased };
        int next = biased ? 7 : 4;
        Tensor x = given[0].contiguous(), weights = cat(given[1..4], 0), cosines = given[next], sines = given[next + 1];
        Tensor? mask = given.Length > next + 2 ? given[next + 2] : null, bias = biased ? cat(given[4..7], 0) : null;
        Tensor projected = x.view(-1, x.size(-1)).mm(weights.t()), q = empty(s.All, s.Length, s.Width), k = empty_like(q), v = zeros_like(q);
        {
            float* values = Address(projected), b = bias is null ? null : Address(bias), cosine = Address(cosines), sine = Address(sines), toQ = Address(q), toK = Address(k), toV = Address(v);
            RowPasses.Each(s.Batch * s.Length, (from, until, _) =>
            {
                for (int row = from; row < until; row++)
                {
                    long angle = s.Angle(row);
                    float* start = values + ((long)row * s.Projected);
                    for (int head = 0; head < s.Heads; head++)
                    {
                        long at = s.At(row, head);
                        AttentionKernels.Rotate(start + (head * s.Width), b == null ? null : b + (head * s.Width), cosine + angle, sine + angle, s.Scale, toQ + at, s.Width / 2);
                        AttentionKernels.Rotate(start + s.Key(head), b == null ? null : b + s.Key(head), cosine + angle, sine + angle, 1, toK + at, s.Width / 2);
                        AttentionKernels.Add(start + s.Value(head), b == null ? null : b + s.Value(head), toV + at, s.Width);
                    }
                }
            });
        }
        Tensor p = q.bmm(k.transpose(1, 2));
        {
            float* scores = Address(p), added = mask is null ? null : Address(mask);
            RowPasses.Each(s.All * s.Length, (from, until, _) =>
            {
                float[] room = new float[(s.Length + 15) / 16 * 16];
                fixed (float* scratch = room)
                {
                    for (long row = from; row < until; row++)
                    {
                        long query = row % s.Length, picture = s.Masks ? row / ((long)s.Length * s.Heads) : 0;
                        float* of = added == null ? null : added + (((picture * s.Length) + query) * s.Length);
                        AttentionKernels.Softmax(scores + (row * s.Length), of, s.Length, added == null ? (int)query + 1 : s.Length, scratch);
                    }
                }
            });
        }
        RowPasses.Keep(ctx, x, weights, cosines, sines, q, k, v, p);
        ctx?.save_data(nameof(Shape), (s, vars.Length));
        GC.KeepAlive(given);
        return p.bmm(v).view(s.Batch, s.Heads, s.Length, s.Width).transpose(1, 2).reshape(s.Batch, s.Length, -1).MoveToOuterDisposeScope();
    }

    private static float* Address(Tensor tensor) => (float*)TensorMemory.Address(tensor);

    // Where things lie: projected rows [batch·length, (heads + 2·shared)·d]; queries, keys and values [batch·heads, length, d], those of shared heads repeated.
    private sealed record Shape(int Batch, int Length, int Heads, int Shared, int Width, bool AnglesEach, bool Masks)
    {
        public bool Biased { get; init; }

        public int All => Batch * Heads;

        public int Projected => (Heads + (2 * Shared)) * Width;

        public float Scale { get; } = (float)(1 / Math.Sqrt(Width));

        public int Key(int head) => (Heads + (head / (Heads / Shared))) * Width;

        public int Value(int head) => Key(head) + (Shared * Width);

        public long At(int row, int head) => ((((long)(row / Length) * Heads) + head) * Length + (row % Length)) * Width;

        public long Angle(int row) => (AnglesEach ? (long)row : row % Length) * Width;
    }
}
