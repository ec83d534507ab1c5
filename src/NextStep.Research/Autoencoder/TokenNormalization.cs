using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The paper's token-wise layer norm: no affine, biased variance, ε 1e−6 (spec §1.6, §4.4).</summary>
public static class TokenNormalization
{
    /// <summary>ε of both uses.</summary>
    public const double Epsilon = 1e-6;

    /// <summary>Normalises the last axis: [.., d] to [.., d] with mean 0 and variance 1.</summary>
    public static Tensor Apply(Tensor tokens) => nn.functional.layer_norm(tokens, [tokens.size(-1)], eps: Epsilon);
}
