using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>What the encoder says of a picture. Who receives it disposes it.</summary>
/// <param name="Mean">[n, C, h, w], normalised as configured.</param>
/// <param name="LogVariance">[n, C, h, w], never normalised, clamped to [−30, 20].</param>
public sealed record LatentPosterior(Tensor Mean, Tensor LogVariance) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Mean.Dispose();
        LogVariance.Dispose();
    }
}

/// <summary>
/// Picture autoencoder with latent normalisation and noise perturbation (spec §4): encoder → normalisation → (training: noise) → decoder.
/// </summary>
public sealed class ImageAutoencoder : nn.Module
{
    // Pictures of more latent pixels go through in tiles, which bounds the memory: 1024² pixels at f8.
    private const long LargestLatents = 128 * 128, TileLatents = 64, LargestMap = 1 << 25;

    private readonly Encoder encoder;
    private readonly Decoder decoder;
    private readonly Conv2d? quant_conv;
    private readonly Conv2d? post_quant_conv;
    private readonly LatentNormalizer normalization;

    /// <summary>Builds the network; weights are random (norms 1 and 0) until initialised or loaded.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="device">Where, the meta device too.</param>
    /// <param name="quantConvolution">Whether a 1×1 convolution of 2C channels stands behind the encoder, as in Stable Diffusion's autoencoder; the paper's has none.</param>
    /// <param name="postQuantConvolution">Whether one of C channels stands before the decoder.</param>
    public ImageAutoencoder(AutoencoderConfig config, Device? device = null, bool quantConvolution = false, bool postQuantConvolution = false)
        : base(nameof(ImageAutoencoder))
    {
        Config = config;
        using (GlobalGenerator.Keep())
        using (NewDisposeScope()) // every convolution leaves a temporary behind while it is built; its parameters stay
        {
            encoder = new Encoder(config, device);
            decoder = new Decoder(config, device);
            long channels = config.LatentChannels;
            quant_conv = quantConvolution ? nn.Conv2d(2 * channels, 2 * channels, 1, device: device) : null;
            post_quant_conv = postQuantConvolution ? nn.Conv2d(channels, channels, 1, device: device) : null;
        }
        normalization = config.Normalization.Build(config, device);
        RegisterComponents();
    }

    /// <summary>The configuration.</summary>
    public AutoencoderConfig Config { get; }

    /// <summary>What normalises its latents.</summary>
    public LatentNormalizer Normalization => normalization;

    /// <summary>Pictures of that size that go through at once: 64, and fewer where their widest feature maps would take more than 128 MB each.</summary>
    public int AtOnce(long height, long width) => (int)Math.Clamp(LargestMap / (Config.Width * height * width), 1, 64);

    /// <summary>True when encoding returns the posterior's mean.</summary>
    public bool Deterministic => Config.Deterministic ?? Config.KlWeight == 0;

    /// <summary>Pixels [n, 3, H, W] in [−1, 1] to the posterior of the normalised latent. In training mode <c>channel</c> normalisation uses the batch's statistics.</summary>
    public LatentPosterior Encode(Tensor pixels)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] parts = Moments(pixels).chunk(2, 1);
        return new LatentPosterior(normalization.Apply(parts[0], training).MoveToOuterDisposeScope(), parts[1].clamp(Scalars.Of(-30), Scalars.Of(20)).MoveToOuterDisposeScope());
    }

    /// <summary>What the encoder puts out, [n, 2C, h, w]: mean and log variance, neither normalised nor clamped.</summary>
    public Tensor Moments(Tensor pixels) => Moments(pixels, Large(pixels, Config.Downsampling) ? TileLatents : long.MaxValue);

    /// <summary>The encoder's mean before normalisation.</summary>
    public Tensor EncodeRaw(Tensor pixels)
    {
        using DisposeScope scope = NewDisposeScope();
        return Moments(pixels).chunk(2, 1)[0].MoveToOuterDisposeScope();
    }

    /// <summary>A latent from the posterior: its mean, or mean + σ·ε unless <see cref="Deterministic"/>.</summary>
    public Tensor Sample(LatentPosterior posterior, NoiseSource noise)
    {
        if (Deterministic)
        {
            return posterior.Mean.alias();
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor epsilon = noise.Normal(posterior.Mean.shape).to(posterior.Mean.dtype, posterior.Mean.device);
        return posterior.Mean.Plus(posterior.LogVariance.Times(0.5f).exp().mul(epsilon)).MoveToOuterDisposeScope();
    }

    /// <summary>Latents [n, C, h, w] to pixels [n, 3, h·f, w·f], unclamped.</summary>
    public Tensor Decode(Tensor latents) => Decode(latents, Large(latents, 1) ? TileLatents : long.MaxValue);

    /// <summary>As <see cref="Moments(Tensor)"/>, in tiles of so many latent pixels a side; <see cref="long.MaxValue"/> = in one piece.</summary>
    internal Tensor Moments(Tensor pixels, long tile)
    {
        using DisposeScope scope = NewDisposeScope();
        long f = Config.Downsampling;
        Tensor moments = tile == long.MaxValue ? encoder.forward(pixels) : encoder.Low(Tiling.Run(pixels, tile * f, Reach(Config.BlocksPerLevel) * f, f, encoder.High));
        return (quant_conv is null ? moments : Convolution.Forward(quant_conv, moments)).MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="Decode(Tensor)"/>, in tiles of so many latent pixels a side; <see cref="long.MaxValue"/> = in one piece.</summary>
    internal Tensor Decode(Tensor latents, long tile)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor input = post_quant_conv is null ? latents : Convolution.Forward(post_quant_conv, latents);
        return (tile == long.MaxValue ? decoder.forward(input) : Tiling.Run(decoder.Low(input), tile, Reach(Config.BlocksPerLevel + 1), 1, decoder.High)).MoveToOuterDisposeScope();
    }

    // Two 3×3 convolutions a block and one that changes the resolution, at every level, in latent pixels, rounded up.
    private long Reach(int blocks) => (long)Math.Ceiling(Enumerable.Range(0, Config.Multipliers.Count).Sum(level => ((2.0 * blocks) + 2) / (1 << level)));

    private static bool Large(Tensor x, int perLatent) => !is_grad_enabled() && x.size(2) / perLatent * (x.size(3) / perLatent) > LargestLatents;

    /// <summary>z̃ = z + α·ε, α ~ U(0, γ), one α a picture (paper Eq. 3). Draws: α [n], then ε of z's shape; nothing when γ is 0.</summary>
    public static Tensor Perturb(Tensor latents, double strength, NoiseSource noise)
    {
        if (strength == 0)
        {
            return latents.alias();
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor alpha = noise.Uniform(latents.size(0)).to(latents.dtype, latents.device).Times((float)strength).view(-1, 1, 1, 1);
        Tensor epsilon = noise.Normal(latents.shape).to(latents.dtype, latents.device);
        return latents.Plus(epsilon.mul(alpha)).MoveToOuterDisposeScope();
    }

    /// <summary>What the transformer sees: (z − shift)·scale of a posterior sample, [n, C, h, w].</summary>
    public Tensor ToModel(Tensor latents) => latents.Minus((float)Config.Shift).TimesInPlace((float)Config.Scale);

    /// <summary>The inverse, z/scale + shift, before decoding.</summary>
    public Tensor FromModel(Tensor latents) => latents.Over((float)Config.Scale).PlusInPlace((float)Config.Shift);

    /// <summary>Layer norm of every patch×patch×C block of [n, C, h, w], no affine, ε 1e−6 (spec §4.4); same shape.</summary>
    public static Tensor NormalizeTokens(Tensor latents, int patch)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor tokens = TokenNormalization.Apply(PatchOrder.Patchify(latents, patch));
        return PatchOrder.Unpatchify(tokens, patch, latents.size(2) / patch, latents.size(3) / patch).MoveToOuterDisposeScope();
    }
}
