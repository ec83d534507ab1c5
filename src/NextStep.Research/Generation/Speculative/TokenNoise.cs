using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// All draws of one picture, by token: the normals in the order in which drawing without a draft takes them, then a uniform for every step. A token that is drafted again
/// after others were thrown away gets its own draws again: nothing that was decided depended on them, so they are as good as new.
/// </summary>
internal sealed class TokenNoise : IDisposable
{
    private readonly Tensor[][] _normals;
    private readonly float[][] _uniforms;

    /// <summary>Draws them.</summary>
    /// <param name="noise">Of one picture.</param>
    /// <param name="width">d.</param>
    /// <param name="steps">N of every token; each step draws.</param>
    public TokenNoise(NoiseSource noise, long width, IReadOnlyList<int> steps)
    {
        _normals = [.. steps.Select(n => Enumerable.Range(0, n + 1).Select(_ => noise.Normal(1, width).DetachFromDisposeScope()).ToArray())];
        _uniforms = [.. steps.Select(n =>
        {
            using Tensor drawn = noise.Uniform(1, n);
            return drawn.data<float>().ToArray();
        })];
    }

    /// <summary>The normals of a token, to be drawn from once. The caller disposes it.</summary>
    public NoiseSource Of(int token) => new RecordedNoise(_normals[token].Select(n => n.alias()));

    /// <summary>The noise x₀ of a token, [d].</summary>
    public float[] Start(int token) => [.. _normals[token][0].data<float>()];

    /// <summary>The noise of a token's step, [d].</summary>
    public float[] Step(int token, int step) => [.. _normals[token][step + 1].data<float>()];

    /// <summary>The uniforms of a token, [N].</summary>
    public float[] Uniforms(int token) => _uniforms[token];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor drawn in _normals.SelectMany(n => n))
        {
            drawn.Dispose();
        }
    }
}
