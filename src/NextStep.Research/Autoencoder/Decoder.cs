using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>One resolution of the decoder: residual blocks, then (except at the highest) an upsampling.</summary>
internal sealed class DecoderLevel : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<ResnetBlock> block;
    private readonly Upsample? upsample;

    /// <summary>Builds the level.</summary>
    public DecoderLevel(int input, int output, int blocks, bool up, int groups, Device? device = null)
        : base(nameof(DecoderLevel))
    {
        block = nn.ModuleList(Enumerable.Range(0, blocks).Select(i => new ResnetBlock(i == 0 ? input : output, output, groups, device)).ToArray());
        upsample = up ? new Upsample(output, device) : null;
        RegisterComponents();
    }

    /// <summary>[n, input, h, w] to [n, output, 2h, 2w], or unchanged resolution at the highest level.</summary>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = input;
        foreach (ResnetBlock b in block)
        {
            h = b.forward(h);
        }
        return (upsample is null ? h : upsample.forward(h)).MoveToOuterDisposeScope();
    }
}

/// <summary>Latent to picture (spec §4.1). Level 0 is the highest resolution; execution goes from the last level to it.</summary>
internal sealed class Decoder : nn.Module<Tensor, Tensor>
{
    private readonly int _stem;
    private readonly Conv2d conv_in;
    private readonly MiddleBlock mid;
    private readonly ModuleList<DecoderLevel> up;
    private readonly GroupNorm norm_out;
    private readonly Conv2d conv_out;

    /// <summary>Builds the decoder; every level has one residual block more than the encoder's.</summary>
    public Decoder(AutoencoderConfig config, Device? device = null)
        : base(nameof(Decoder))
    {
        int[] widths = [.. config.Multipliers.Select(m => m * config.Width)];
        _stem = config.StemPatch;
        conv_in = nn.Conv2d(config.LatentChannels, widths[^1], 3, padding: 1, device: device);
        mid = new MiddleBlock(widths[^1], config.NormGroups, device);
        up = nn.ModuleList(widths.Select((w, i) => new DecoderLevel(
            i == widths.Length - 1 ? w : widths[i + 1], w, config.BlocksPerLevel + 1, i > 0, config.NormGroups, device)).ToArray());
        norm_out = ResnetBlock.Norm(widths[0], config.NormGroups, device);
        conv_out = nn.Conv2d(widths[0], config.PictureChannels, 3, padding: 1, device: device);
        RegisterComponents();
    }

    /// <summary>[n, C, h, w] to [n, 3, h·f, w·f].</summary>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        return High(Low(input)).MoveToOuterDisposeScope();
    }

    /// <summary>The part at the latent's resolution, with the attention: [n, C, h, w] to [n, c, h, w].</summary>
    internal Tensor Low(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        return mid.forward(Convolution.Forward(conv_in, input)).MoveToOuterDisposeScope();
    }

    /// <summary>The rest, convolutions and group norms only: [n, c, h, w] to [n, 3, h·f, w·f].</summary>
    internal Tensor High(Tensor low)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = low;
        for (int i = up.Count - 1; i >= 0; i--)
        {
            h = up[i].forward(h);
        }
        h = Convolution.Forward(conv_out, NormSilu.Of(norm_out, h));
        return (_stem == 1 ? h : nn.functional.pixel_shuffle(h, _stem)).MoveToOuterDisposeScope();
    }
}
