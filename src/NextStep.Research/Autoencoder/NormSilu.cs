using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// silu(group norm(x)) in one pass over a group that lies in the cache, forward and backward. As fast as libtorch's two operations on a quiet machine, and up to 1.8 times
/// the autoencoder's step where a process is interrupted often, which slows libtorch's exponential (experiments/LOG.md). On the CPU in float32; elsewhere the two operations of libtorch. The backward pass computes the
/// normalised values again instead of keeping them. Sums run in a fixed order, whatever the number of threads.
/// </summary>
internal sealed unsafe class NormSilu : autograd.SingleTensorFunction<NormSilu>
{
    private const string Groups = "groups";

    private static bool _fused = true;

    /// <inheritdoc/>
    public override string Name => nameof(NormSilu);

    /// <summary>Whether the pass of our own is taken; benchmarks compare it with libtorch's operations.</summary>
    public static void Use(bool fused) => _fused = fused;

    /// <summary>silu(<paramref name="norm"/>(x)), x [n, c, h, w].</summary>
    public static Tensor Of(GroupNorm norm, Tensor x)
    {
        if (!_fused || x.device_type != DeviceType.CPU || x.dtype != ScalarType.Float32 || norm.weight!.dtype != ScalarType.Float32 || GroupStatistics.InUse)
        {
            using Tensor normed = GroupStatistics.Apply(norm, x);
            return nn.functional.silu(normed);
        }
        bool learns = is_grad_enabled() && (x.requires_grad || norm.weight.requires_grad || norm.bias!.requires_grad);
        return learns ? apply(x, norm.weight, norm.bias!, norm.num_groups) : Forward(x, norm.weight, norm.bias!, norm.num_groups, null);
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        (Tensor x, Tensor weight, Tensor bias, long groups) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (long)vars[3]);
        using IDisposable guard = no_grad();
        Tensor dense = x.contiguous();
        Tensor moments = empty(2, x.size(0), groups);
        Tensor y = Forward(dense, weight, bias, groups, moments);
        ctx.save_for_backward([dense, weight, bias, moments]);
        ctx.save_data(Groups, groups);
        return y;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        (Tensor x, Tensor weight, Tensor bias, Tensor moments) = (saved[0], saved[1], saved[2], saved[3]);
        long groups = (long)ctx.get_data(Groups);
        int pictures = (int)x.size(0), channels = (int)x.size(1), each = channels / (int)groups, area = (int)(x.numel() / x.size(0) / channels);
        Tensor dy = grad_output.contiguous(), dx = empty_like(x), sums = empty(2, pictures, channels, dtype: ScalarType.Float64);
        nint from = TensorMemory.Address(x), by = TensorMemory.Address(dy), to = TensorMemory.Address(dx), sum = TensorMemory.Address(sums);
        nint w = TensorMemory.Address(weight), b = TensorMemory.Address(bias), m = TensorMemory.Address(moments);
        long plane = (long)each * area;
        Share((int)(pictures * groups), group =>
        {
            int first = group % (int)groups * each, picture = group / (int)groups;
            double* ofChannels = (double*)sum + ((long)picture * channels) + first;
            NormSiluKernel.Backward(
                (float*)from + (group * plane), (float*)by + (group * plane), (float*)to + (group * plane), each, area, (float*)w + first, (float*)b + first,
                ((float*)m)[group], ((float*)m)[(pictures * groups) + group], ofChannels, ofChannels + ((long)pictures * channels));
        });
        Tensor overPictures = sums.sum(1).to_type(ScalarType.Float32); // dβ, dγ
        List<Tensor> gradients = [dx.MoveToOuterDisposeScope(), overPictures[1].clone().MoveToOuterDisposeScope(), overPictures[0].clone().MoveToOuterDisposeScope(), null!];
        GC.KeepAlive(saved);
        return gradients;
    }

    private static Tensor Forward(Tensor x, Tensor weight, Tensor bias, long groups, Tensor? moments)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor dense = x.contiguous(), y = empty_like(dense), kept = moments ?? empty(2, x.size(0), groups);
        int pictures = (int)x.size(0), channels = (int)x.size(1), each = channels / (int)groups, area = (int)(x.numel() / x.size(0) / channels);
        nint from = TensorMemory.Address(dense), to = TensorMemory.Address(y), w = TensorMemory.Address(weight), b = TensorMemory.Address(bias), m = TensorMemory.Address(kept);
        long plane = (long)each * area;
        Share((int)(pictures * groups), group =>
        {
            int first = group % (int)groups * each;
            (float mean, float inverse) = NormSiluKernel.Forward((float*)from + (group * plane), (float*)to + (group * plane), each, area, (float*)w + first, (float*)b + first);
            ((float*)m)[group] = mean;
            ((float*)m)[(pictures * groups) + group] = inverse;
        });
        return y.MoveToOuterDisposeScope();
    }

    private static void Share(int count, Action<int> work)
    {
        CpuTeam team = CpuTeam.Shared;
        team.Run(part =>
        {
            for (int i = (int)((long)count * part / team.Count); i < (int)((long)count * (part + 1) / team.Count); i++)
            {
                work(i);
            }
        });
    }
}
