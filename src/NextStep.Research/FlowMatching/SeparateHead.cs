using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// A head of single tokens for steps of k: the k tokens [n, k·d] are drawn each by itself, from conditions [n, k·H] that hold one for each. Given the conditions they are
/// independent, whatever the truth is.
/// </summary>
internal sealed class SeparateHead : TokenHead
{
    private readonly TokenHead each;
    private readonly int _tokens;

    /// <summary>Takes over a head.</summary>
    /// <param name="each">Of one token.</param>
    /// <param name="tokens">k.</param>
    public SeparateHead(TokenHead each, int tokens)
        : base(each.Context)
    {
        (this.each, _tokens) = (each, tokens);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override string LossName => each.LossName;

    /// <summary>The loss of every token by itself, [n·k], those of a step together.</summary>
    /// <param name="target">[n, k·d].</param>
    /// <param name="condition">[n, k·H].</param>
    /// <param name="noise">All draws.</param>
    /// <param name="mask">[n] weights of the steps; null = all 1.</param>
    public override TokenLoss Loss(Tensor target, Tensor condition, NoiseSource noise, Tensor? mask = null)
    {
        using DisposeScope scope = NewDisposeScope();
        return each.Loss(Apart(target), Apart(condition), noise, mask?.repeat_interleave(_tokens)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override TokenHeadSampler Sampler(FlowSamplerOptions options) =>
        new Separate(each.Sampler(options with { NoiseRepeat = options.NoiseRepeat * _tokens }), _tokens);

    private Tensor Apart(Tensor steps) => steps.reshape(-1, steps.size(1) / _tokens);

    private sealed class Separate(TokenHeadSampler each, int tokens) : TokenHeadSampler
    {
        public override int Evaluations => each.Evaluations;

        public override Tensor Sample(Tensor conditions, Guidance guidance, NoiseSource noise, Action<Tensor>? onStep = null)
        {
            using IDisposable guard = no_grad();
            using DisposeScope scope = NewDisposeScope();
            // Branch-major stays branch-major: the rows of a branch follow each other.
            Tensor drawn = each.Sample(conditions.reshape(-1, conditions.size(1) / tokens), guidance, new TokensOfSteps(noise, tokens), onStep is null ? null : Told);
            return Together(drawn).MoveToOuterDisposeScope();

            void Told(Tensor state)
            {
                using Tensor together = Together(state);
                onStep(together);
            }
        }

        private Tensor Together(Tensor rows) => rows.reshape(-1, tokens * rows.size(1));

        protected override void Dispose(bool disposing)
        {
            each.Dispose();
            base.Dispose(disposing);
        }
    }

    // Rows of tokens are drawn with the picture as first axis, so that a picture's own stay its own.
    private sealed class TokensOfSteps(NoiseSource inner, int tokens) : NoiseSource
    {
        public override Tensor Normal(params long[] shape) => Rows(shape, inner.Normal);

        public override Tensor Uniform(params long[] shape) => Rows(shape, inner.Uniform);

        private Tensor Rows(long[] shape, Func<long[], Tensor> draw)
        {
            using Tensor drawn = draw([shape[0] / tokens, tokens, .. shape[1..]]);
            return drawn.reshape(shape);
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
