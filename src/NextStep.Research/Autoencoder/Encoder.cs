using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>One resolution of the encoder: residual blocks, then (except at the last level) a downsampling.</summary>
internal sealed class EncoderLevel : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<ResnetBlock> block;
    private readonly Downsample? downsample;

    /// <summary>Builds the level.</summary>
    public EncoderLevel(int input, int output, int blocks, bool down, int groups, Device? device = null)
        : base(nameof(EncoderLevel))
    {
        block = nn.ModuleList(Enumerable.Range(0, blocks).Select(i => new ResnetBlock(i == 0 ? input : output, output, groups, device)).ToArray());
        downsample = down ? new Downsample(output, device) : null;
        RegisterComponents();
    }

    /// <summary>[n, input, h, w] to [n, output, h/2, w/2], or unchanged resolution at the last level.</summary>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = input;
        foreach (ResnetBlock b in block)
        {
            h = b.forward(h);
        }
        return (downsample is null ? h : downsample.forward(h)).MoveToOuterDisposeScope();
    }
}

/// <summary>Picture to (mean, log variance) of the latent (spec §4.1).</summary>
internal sealed class Encoder : nn.Module<Tensor, Tensor>
{
    private readonly int _stem;
    private readonly Conv2d conv_in;
    private readonly ModuleList<EncoderLevel> down;
    private readonly MiddleBlock mid;
    private readonly GroupNorm norm_out;
    private readonly Conv2d conv_out;

    /// <summary>Builds the encoder.</summary>
    public Encoder(AutoencoderConfig config, Device? device = null)
        : base(nameof(Encoder))
    {
        int[] widths = [.. config.Multipliers.Select(m => m * config.Width)];
        _stem = config.StemPatch;
        conv_in = nn.Conv2d(config.PictureChannels, config.Width, 3, padding: 1, device: device);
        down = nn.ModuleList(widths.Select((w, i) => new EncoderLevel(
            i == 0 ? config.Width : widths[i - 1], w, config.BlocksPerLevel, i < widths.Length - 1, config.NormGroups, device)).ToArray());
        mid = new MiddleBlock(widths[^1], config.NormGroups, device);
        norm_out = ResnetBlock.Norm(widths[^1], config.NormGroups, device);
        conv_out = nn.Conv2d(widths[^1], 2L * config.LatentChannels, 3, padding: 1, device: device);
        RegisterComponents();
    }

    /// <summary>[n, 3, H, W] to [n, 2C, H/f, W/f].</summary>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        return Low(High(input)).MoveToOuterDisposeScope();
    }

    /// <summary>Convolutions and group norms only: [n, 3, H, W] to [n, c, H/f, W/f].</summary>
    internal Tensor High(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = Convolution.Forward(conv_in, _stem == 1 ? input : nn.functional.pixel_unshuffle(input, _stem));
        foreach (EncoderLevel level in down)
        {
            h = level.forward(h);
        }
        return h.MoveToOuterDisposeScope();
    }

    /// <summary>The rest, with the attention: [n, c, h, w] to [n, 2C, h, w].</summary>
    internal Tensor Low(Tensor high)
    {
        using DisposeScope scope = NewDisposeScope();
        return Convolution.Forward(conv_out, NormSilu.Of(norm_out, mid.forward(high))).MoveToOuterDisposeScope();
    }
}
