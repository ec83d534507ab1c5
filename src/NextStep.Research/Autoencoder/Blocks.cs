using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>GroupNorm → swish → 3×3 convolution, twice, with a skip (spec §4.1).</summary>
internal sealed class ResnetBlock : nn.Module<Tensor, Tensor>
{
    private readonly GroupNorm norm1;
    private readonly Conv2d conv1;
    private readonly GroupNorm norm2;
    private readonly Conv2d conv2;
    private readonly Conv2d? nin_shortcut;

    /// <summary>From <paramref name="input"/> to <paramref name="output"/> channels.</summary>
    public ResnetBlock(int input, int output, int groups, Device? device = null)
        : base(nameof(ResnetBlock))
    {
        norm1 = Norm(input, groups, device);
        conv1 = nn.Conv2d(input, output, 3, padding: 1, device: device);
        norm2 = Norm(output, groups, device);
        conv2 = nn.Conv2d(output, output, 3, padding: 1, device: device);
        nin_shortcut = input == output ? null : nn.Conv2d(input, output, 1, device: device);
        RegisterComponents();
    }

    /// <summary>[n, input, h, w] to [n, output, h, w].</summary>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = Convolution.Forward(conv1, NormSilu.Of(norm1, input));
        h = Convolution.Forward(conv2, NormSilu.Of(norm2, h));
        return (nin_shortcut is null ? input : Convolution.Forward(nin_shortcut, input)).Plus(h).MoveToOuterDisposeScope();
    }

    /// <summary>Group norm with ε 1e−6 and at most <paramref name="groups"/> groups that divide the channels.</summary>
    internal static GroupNorm Norm(int channels, int groups, Device? device)
    {
        int count = Math.Min(groups, channels);
        while (channels % count != 0)
        {
            count--;
        }
        GroupNorm norm = nn.GroupNorm(count, channels, 1e-6, device: device);
        using IDisposable guard = no_grad();
        using Tensor one = ones_like(norm.weight!), zero = zeros_like(norm.bias!);
        norm.weight!.copy_(one); // TorchSharp leaves both as the memory was
        norm.bias!.copy_(zero);
        return norm;
    }
}

/// <summary>Single-head attention over all positions with a residual (spec §4.1).</summary>
internal sealed class AttentionBlock : nn.Module<Tensor, Tensor>
{
    private readonly GroupNorm norm;
    private readonly Conv2d q;
    private readonly Conv2d k;
    private readonly Conv2d v;
    private readonly Conv2d proj_out;

    /// <summary>Over <paramref name="channels"/> features.</summary>
    public AttentionBlock(int channels, int groups, Device? device = null)
        : base(nameof(AttentionBlock))
    {
        norm = ResnetBlock.Norm(channels, groups, device);
        q = nn.Conv2d(channels, channels, 1, device: device);
        k = nn.Conv2d(channels, channels, 1, device: device);
        v = nn.Conv2d(channels, channels, 1, device: device);
        proj_out = nn.Conv2d(channels, channels, 1, device: device);
        RegisterComponents();
    }

    /// <summary>[n, c, h, w] to the same shape.</summary>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = norm.forward(input);
        Tensor mixed = DotAttention.Of(Rows(Convolution.Forward(q, h)), Rows(Convolution.Forward(k, h)), Rows(Convolution.Forward(v, h)));
        return input.Plus(Convolution.Forward(proj_out, mixed.squeeze(1).transpose(1, 2).reshape(input.shape))).MoveToOuterDisposeScope();
    }

    private static Tensor Rows(Tensor x) => x.flatten(2).transpose(1, 2).contiguous().unsqueeze(1); // [n, 1, h·w, c]
}

/// <summary>Zero padding on the right and bottom, then a 3×3 convolution of stride 2 (spec §4.1).</summary>
internal sealed class Downsample : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d conv;

    /// <summary>Keeps the channels.</summary>
    public Downsample(int channels, Device? device = null)
        : base(nameof(Downsample))
    {
        conv = nn.Conv2d(channels, channels, 3, stride: 2, device: device);
        RegisterComponents();
    }

    /// <summary>Halves height and width.</summary>
    public override Tensor forward(Tensor input)
    {
        using Tensor padded = nn.functional.pad(input, [0, 1, 0, 1]);
        return Convolution.Forward(conv, padded);
    }
}

/// <summary>Nearest neighbour ×2, then a 3×3 convolution (spec §4.1).</summary>
internal sealed class Upsample : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d conv;

    /// <summary>Keeps the channels.</summary>
    public Upsample(int channels, Device? device = null)
        : base(nameof(Upsample))
    {
        conv = nn.Conv2d(channels, channels, 3, padding: 1, device: device);
        RegisterComponents();
    }

    /// <summary>Doubles height and width.</summary>
    public override Tensor forward(Tensor input)
    {
        using Tensor grown = nn.functional.interpolate(input, scale_factor: [2, 2], mode: InterpolationMode.Nearest);
        return Convolution.Forward(conv, grown);
    }
}

/// <summary>Two residual blocks around an attention block, at the lowest resolution.</summary>
internal sealed class MiddleBlock : nn.Module<Tensor, Tensor>
{
    private readonly ResnetBlock block_1;
    private readonly AttentionBlock attn_1;
    private readonly ResnetBlock block_2;

    /// <summary>Over <paramref name="channels"/> features.</summary>
    public MiddleBlock(int channels, int groups, Device? device = null)
        : base(nameof(MiddleBlock))
    {
        block_1 = new ResnetBlock(channels, channels, groups, device);
        attn_1 = new AttentionBlock(channels, groups, device);
        block_2 = new ResnetBlock(channels, channels, groups, device);
        RegisterComponents();
    }

    /// <summary>[n, c, h, w] to the same shape.</summary>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        return block_2.forward(attn_1.forward(block_1.forward(input))).MoveToOuterDisposeScope();
    }
}
