using System.ComponentModel.DataAnnotations;

namespace NextStep.Research;

/// <summary>The <c>autoencoder</c> node: a FLUX-style convolutional autoencoder (spec §4.1); defaults are small, the paper's values stand beside.</summary>
public sealed record AutoencoderConfig
{
    /// <summary>Channels of the first level (paper: 128).</summary>
    [Range(4, 1024)]
    public int Width { get; init; } = 32;

    /// <summary>Width multipliers per level; every level but the last halves the resolution (paper: 1, 2, 4, 4).</summary>
    [RangeOfEach(1, 64, Least = 1, Most = 8)]
    public IReadOnlyList<int> Multipliers { get; init; } = [1, 2, 2];

    /// <summary>Residual blocks per encoder level; the decoder has one more (paper: 2).</summary>
    [Range(1, 8)]
    public int BlocksPerLevel { get; init; } = 1;

    /// <summary>
    /// Side s of the pixel patches that the first level works on, 3·s² channels each (space to depth and back); 1 = single pixels, as in the paper. 2 spares the levels at full
    /// resolution, where most of the time goes.
    /// </summary>
    [LaterOption]
    [Range(1, 8)]
    public int StemPatch { get; init; } = 1;

    /// <summary>Latent channels C (paper: 16).</summary>
    [Range(1, 256)]
    public int LatentChannels { get; init; } = 8;

    /// <summary>Groups of the group norms, at most (paper: 32); lowered to the largest divisor of a layer's channels.</summary>
    [Range(1, 64)]
    public int NormGroups { get; init; } = 8;

    /// <summary>Latent normalisation (paper: token).</summary>
    public LatentNormalization Normalization { get; init; } = LatentNormalization.Token;

    /// <summary>γ of the noise perturbation in tokenizer training, α ~ U(0, γ) per image (paper Eq. 3: 0.5).</summary>
    [Range(0.0, 10.0)]
    public double NoiseStrength { get; init; } = 0.5;

    /// <summary>Weight of the KL term to a standard normal; 0 makes the posterior deterministic (paper: 0).</summary>
    [Range(0.0, 100.0)]
    public double KlWeight { get; init; }

    /// <summary>Weights of the reconstruction terms.</summary>
    public ReconstructionWeights LossWeights { get; init; } = new();

    /// <summary>Side p of the latent patch that makes one image token (paper: 2).</summary>
    [Range(1, 8)]
    public int PatchSize { get; init; } = 2;

    /// <summary>Side of the patch that token normalisation spans (<c>psz</c>); null = <see cref="PatchSize"/>, the released 2.</summary>
    [Range(1, 8)]
    public int? NormalizationPatch { get; init; }

    /// <summary>Whether encoding returns the mean; null = exactly when <see cref="KlWeight"/> is 0.</summary>
    public bool? Deterministic { get; init; }

    /// <summary>Scaling factor: the transformer sees (z − shift)·scale (released: 1).</summary>
    [Range(1e-6, 1e6)]
    public double Scale { get; init; } = 1;

    /// <summary>Shift factor (released: 0).</summary>
    [Range(-1e6, 1e6)]
    public double Shift { get; init; }

    /// <summary>Picture pixels per latent pixel and side: s·2^(levels − 1), s the <see cref="StemPatch"/>.</summary>
    public int Downsampling => StemPatch << (Multipliers.Count - 1);

    /// <summary>Channels that the first convolution takes and the last one gives: 3·s².</summary>
    internal int PictureChannels => 3 * StemPatch * StemPatch;

    /// <summary>Picture pixels per image token and side.</summary>
    public int PixelsPerToken => Downsampling * PatchSize;

    /// <summary>Features of one image token.</summary>
    public int TokenWidth => LatentChannels * PatchSize * PatchSize;
}

/// <summary>Weights of the reconstruction loss.</summary>
public sealed record ReconstructionWeights
{
    /// <summary>Mean squared error.</summary>
    [Range(0.0, 1e4)]
    public double Squared { get; init; } = 1;

    /// <summary>Mean absolute error.</summary>
    [Range(0.0, 1e4)]
    public double Absolute { get; init; } = 0.2;

    /// <summary>Mean absolute error of horizontal and vertical pixel differences, which keeps edges sharp.</summary>
    [Range(0.0, 1e4)]
    public double Gradient { get; init; } = 0.2;
}
