using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The <c>autoencoder.normalization</c> node: how latents are normalised before noise perturbation and before the transformer sees them. One of
/// one's own is a record that derives from this, named in files by its type's name in kebab-case without <c>Normalization</c>.
/// </summary>
public abstract record LatentNormalization : ComponentConfig
{
    /// <summary>Not at all.</summary>
    public static LatentNormalization None { get; } = new NoLatentNormalization();

    /// <summary>One mean and variance per latent channel, estimated over the training set.</summary>
    public static LatentNormalization Channel { get; } = new ChannelLatentNormalization();

    /// <summary>The paper's: layer norm of every token over patch×patch×channels, no affine, eps 1e−6 (spec §4.4).</summary>
    public static LatentNormalization Token { get; } = new TokenLatentNormalization();

    /// <summary>Every token projected to the sphere of radius √d.</summary>
    public static LatentNormalization Sphere { get; } = new SphereLatentNormalization();

    /// <summary>Builds the normalisation of an autoencoder.</summary>
    public abstract LatentNormalizer Build(AutoencoderConfig autoencoder, Device? device);
}

/// <summary>Latents to latents. Parameters and buffers that it registers are saved with the autoencoder under <c>normalization.</c>.</summary>
public abstract class LatentNormalizer : nn.Module
{
    /// <summary>A module of this type's name.</summary>
    protected LatentNormalizer()
        : base("normalization")
    {
    }

    /// <summary>Normalises latents [n, C, h, w]; the same shape, with gradients.</summary>
    /// <param name="latents">The encoder's mean.</param>
    /// <param name="training">Whether the autoencoder is being trained, when the statistics of the training set are not known yet.</param>
    public abstract Tensor Apply(Tensor latents, bool training);

    /// <summary>Whether <see cref="Fit"/> is to be called.</summary>
    public virtual bool NeedsStatistics => false;

    /// <summary>Takes the statistics of the training set, once, with the autoencoder's final weights.</summary>
    /// <param name="batches">The encoder's means [k, C, h, w] before normalisation, float64 on the CPU; a batch is disposed when the next is asked for.</param>
    public virtual void Fit(IEnumerable<Tensor> batches) => throw new NotSupportedException($"{GetType().Name} needs statistics but takes none.");

    /// <summary>
    /// Puts a drawn token back where normalised tokens lie, before it is fed back and decoded (<c>sampling.normalizeTokens</c>); null = drawn tokens stay as they are.
    /// </summary>
    public virtual Func<Tensor, Tensor>? Project => null;
}

/// <summary><see cref="LatentNormalization.None"/>.</summary>
[Component("none")]
public sealed record NoLatentNormalization : LatentNormalization
{
    /// <inheritdoc/>
    public override LatentNormalizer Build(AutoencoderConfig autoencoder, Device? device) => new Normalizer();

    private sealed class Normalizer : LatentNormalizer
    {
        public override Tensor Apply(Tensor latents, bool training) => latents.alias();
    }
}

/// <summary><see cref="LatentNormalization.Token"/>.</summary>
[Component("token")]
public sealed record TokenLatentNormalization : LatentNormalization
{
    /// <inheritdoc/>
    public override LatentNormalizer Build(AutoencoderConfig autoencoder, Device? device) => new Normalizer(autoencoder.NormalizationPatch ?? autoencoder.PatchSize);

    private sealed class Normalizer(int patch) : LatentNormalizer
    {
        public override Func<Tensor, Tensor>? Project => TokenNormalization.Apply;

        public override Tensor Apply(Tensor latents, bool training) => ImageAutoencoder.NormalizeTokens(latents, patch);
    }
}

/// <summary><see cref="LatentNormalization.Sphere"/>.</summary>
[Component("sphere")]
public sealed record SphereLatentNormalization : LatentNormalization
{
    /// <inheritdoc/>
    public override LatentNormalizer Build(AutoencoderConfig autoencoder, Device? device) => new Normalizer(autoencoder.NormalizationPatch ?? autoencoder.PatchSize);

    private sealed class Normalizer(int patch) : LatentNormalizer
    {
        public override Func<Tensor, Tensor>? Project => OnSphere;

        public override Tensor Apply(Tensor latents, bool training)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor tokens = OnSphere(PatchOrder.Patchify(latents, patch));
            return PatchOrder.Unpatchify(tokens, patch, latents.size(2) / patch, latents.size(3) / patch).MoveToOuterDisposeScope();
        }

        private static Tensor OnSphere(Tensor tokens)
        {
            using DisposeScope scope = NewDisposeScope();
            return tokens.div(tokens.Squared().mean([-1], keepdim: true).Plus(TokenNormalization.Epsilon).sqrt()).MoveToOuterDisposeScope();
        }
    }
}

/// <summary><see cref="LatentNormalization.Channel"/>.</summary>
[Component("channel")]
public sealed record ChannelLatentNormalization : LatentNormalization
{
    /// <inheritdoc/>
    public override LatentNormalizer Build(AutoencoderConfig autoencoder, Device? device) => new ChannelNormalizer(autoencoder.LatentChannels, device);
}

/// <summary>One mean and variance per channel; while the autoencoder is trained those of the batch.</summary>
internal sealed class ChannelNormalizer : LatentNormalizer
{
    private readonly Tensor channel_mean;
    private readonly Tensor channel_std;

    public ChannelNormalizer(int channels, Device? device)
    {
        channel_mean = zeros(channels, dtype: ScalarType.Float32, device: device).DetachFromDisposeScope();
        channel_std = ones(channels, dtype: ScalarType.Float32, device: device).DetachFromDisposeScope();
        RegisterComponents();
    }

    public override bool NeedsStatistics => true;

    public override Tensor Apply(Tensor latents, bool training)
    {
        using DisposeScope scope = NewDisposeScope();
        if (!training)
        {
            return ((latents - channel_mean.view(1, -1, 1, 1)) / channel_std.view(1, -1, 1, 1)).MoveToOuterDisposeScope();
        }
        Tensor centred = latents - latents.mean([0, 2, 3], keepdim: true);
        return (centred / centred.Squared().mean([0, 2, 3], keepdim: true).Plus(TokenNormalization.Epsilon).sqrt()).MoveToOuterDisposeScope();
    }

    public override void Fit(IEnumerable<Tensor> batches)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor sum = zeros(channel_mean.shape, dtype: ScalarType.Float64), squares = zeros(channel_mean.shape, dtype: ScalarType.Float64);
        long values = 0;
        foreach (Tensor raw in batches)
        {
            sum.PlusInPlace(raw.sum([0, 2, 3]));
            squares.PlusInPlace(raw.Squared().sum([0, 2, 3]));
            values += raw.numel() / channel_mean.numel();
        }
        Tensor mean = sum.Over((double)values);
        channel_mean.copy_(mean.to_type(ScalarType.Float32));
        channel_std.copy_(squares.Over((double)values).sub(mean.Squared()).clamp_min(Scalars.Of(1e-12)).sqrt().to_type(ScalarType.Float32));
    }
}
