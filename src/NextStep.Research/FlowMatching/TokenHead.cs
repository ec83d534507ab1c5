using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>What one evaluation of a head's training objective gives. Who receives it disposes it.</summary>
/// <param name="Mean">Scalar with gradient: the masked mean over tokens.</param>
/// <param name="PerToken">[n], the same by token; detached.</param>
/// <param name="Times">[n], the times drawn, 0 = noise, 1 = token; null for heads that know no time.</param>
public sealed record TokenLoss(Tensor Mean, Tensor PerToken, Tensor? Times = null) : IDisposable
{
    /// <summary>From a loss by token, [n] with gradient: its plain mean, or with <paramref name="mask"/> [n] Σ(loss·mask)/(Σmask + 1e−8).</summary>
    /// <returns>Tensors of the caller's dispose scope.</returns>
    public static TokenLoss Of(Tensor perToken, Tensor? times = null, Tensor? mask = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor mean = mask is null ? perToken.mean() : perToken.mul(mask).sum().div(mask.sum().Plus(1e-8));
        return new TokenLoss(mean.MoveToOuterDisposeScope(), perToken.detach().MoveToOuterDisposeScope(), times?.alias().MoveToOuterDisposeScope());
    }

    /// <summary>Of no tokens at all: 0, and nothing by token.</summary>
    public static TokenLoss None(Device device) => new(zeros([], ScalarType.Float32, device), zeros(0, device: device));

    /// <inheritdoc/>
    public void Dispose()
    {
        Mean.Dispose();
        PerToken.Dispose();
        Times?.Dispose();
    }

    /// <summary>The same tensors, moved out of the current dispose scope.</summary>
    public TokenLoss MoveToOuterDisposeScope() => new(Mean.MoveToOuterDisposeScope(), PerToken.MoveToOuterDisposeScope(), Times?.MoveToOuterDisposeScope());
}

/// <summary>
/// A token head: it learns the distribution of one continuous token given the transformer's state, and draws from it. Its parameters are saved
/// with the model under <c>image_head.</c>; write them as fields and call <c>RegisterComponents()</c> at the end of the constructor. First
/// weights come from <see cref="Initialization"/>: names that end in <c>.bias</c> 0, other vectors 1, matrices Xavier-uniform, names with
/// <c>adaLN_modulation</c> or <c>final_layer.linear</c> 0, names with <c>.time_embed.</c> N(0, 0.02).
/// </summary>
public abstract class TokenHead : nn.Module
{
    /// <summary>Keeps what the head was built for.</summary>
    protected TokenHead(TokenHeadContext context)
        : base("TokenHead")
    {
        MatrixProducts.Settle();
        Context = context;
    }

    /// <summary>What it was built for.</summary>
    public TokenHeadContext Context { get; }

    /// <summary>The name of its loss among the metrics: losses of different objectives are never compared, so only the flow head's is <c>flow.loss</c>.</summary>
    public virtual string LossName => "head.loss";

    /// <summary>The velocity network, of the heads that have the paper's.</summary>
    /// <exception cref="InvalidOperationException">This head has none.</exception>
    public virtual FlowHeadNetwork Network => throw new InvalidOperationException($"The head {GetType().Name} has no velocity network.");

    /// <summary>
    /// The training objective. Called inside a dispose scope, in training mode with gradients and in evaluation mode without; all random
    /// draws come from <paramref name="noise"/>, so that the same noise gives the same bits. The batch already holds every token
    /// <see cref="TokenHeadConfig.BatchMultiplier"/> times.
    /// </summary>
    /// <param name="target">Clean tokens, [n, d].</param>
    /// <param name="condition">Of the same rows, [n, H].</param>
    /// <param name="noise">All draws.</param>
    /// <param name="mask">[n], weights of the rows; null = all 1.</param>
    public abstract TokenLoss Loss(Tensor target, Tensor condition, NoiseSource noise, Tensor? mask = null);

    /// <summary>What draws tokens with the head's present weights, which do not change while it lives. The caller disposes it.</summary>
    /// <param name="options">Solver, steps and time shift, for the heads that integrate; the others may read the number of steps, or nothing.</param>
    public abstract TokenHeadSampler Sampler(FlowSamplerOptions options);
}

/// <summary>Draws image tokens from a head.</summary>
public abstract class TokenHeadSampler : IDisposable
{
    /// <summary>Evaluations of the head's network that one token takes, guidance branches counted as one.</summary>
    public abstract int Evaluations { get; }

    /// <summary>Draws one token per row of the conditional block, without gradients.</summary>
    /// <param name="conditions">[branches·m, H], branch-major: all conditional rows first (<see cref="GuidanceBranches"/>).</param>
    /// <param name="guidance">Branches and scales of this token; <see cref="Guidance.Combine"/> is linear guidance of [branches·m, d].</param>
    /// <param name="noise">All draws. To be the same picture in every batch, draw with the m pictures as first axis: a row is then a picture's own.</param>
    /// <param name="onStep">Called with the state [m, d] after every step, for inspection; it is disposed afterwards.</param>
    /// <returns>[m, d] float32, of the caller's dispose scope; nothing else stays alive.</returns>
    public abstract Tensor Sample(Tensor conditions, Guidance guidance, NoiseSource noise, Action<Tensor>? onStep = null);

    /// <summary>Frees what was prepared; the head itself stays.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what was prepared.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
