/// <summary>Every latent number squeezed into (−1, 1): bounded like a normalised token, but number by number, without the token's statistics.</summary>
public sealed record TanhNormalization : LatentNormalization
{
    /// <summary>Latents this large become 0.76.</summary>
    [Range(0.1, 100.0)]
    public double Scale { get; init; } = 2;

    public override LatentNormalizer Build(AutoencoderConfig autoencoder, Device? device) => new Squeeze(Scale);

    private sealed class Squeeze(double scale) : LatentNormalizer
    {
        // A drawn token may lie outside of what the decoder has seen.
        public override Func<Tensor, Tensor>? Project => token => token.clamp(Scalars.Of(-1), Scalars.Of(1));

        public override Tensor Apply(Tensor latents, bool training) => latents.Over(scale).tanh();
    }
}
