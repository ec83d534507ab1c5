using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Of every token of drawn pictures one stochastic step of its integration, as it was drawn.</summary>
/// <param name="Before">States before the step, [n, L, d] float32.</param>
/// <param name="After">States after it, of the same shape.</param>
/// <param name="Steps">Which step it was, int64 [n, L].</param>
internal sealed record Transitions(Tensor Before, Tensor After, Tensor Steps) : IDisposable
{
    /// <summary>Those of some pictures, token by token: [k·L, d], [k·L, d] and [k·L], of the caller's dispose scope.</summary>
    public Transitions Of(int[] places, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor at = tensor([.. places.Select(p => (long)p)]);
        return new Transitions(Rows(Before), Rows(After), Rows(Steps));

        Tensor Rows(Tensor all) => all.index_select(0, at).flatten(0, 1).to(device).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Before.Dispose();
        After.Dispose();
        Steps.Dispose();
    }
}

/// <summary>Keeps one stochastic step of every token while pictures are drawn.</summary>
/// <param name="solver">That which draws.</param>
/// <param name="which">One step for all tokens, or one for each.</param>
/// <param name="tokens">L.</param>
/// <param name="seed">Of the choice.</param>
/// <param name="round">Of the choice.</param>
internal sealed class TransitionRecorder(FlowSolver solver, LearnedStep which, int tokens, long seed, long round)
{
    private readonly int[] _stochastic = PolicySampling.Stochastic(solver);
    private readonly List<Transitions> _parts = [];
    private long _pictures;

    /// <summary>Takes a state; those of a token in order, pictures drawn together together.</summary>
    public void Add(SampledState state)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (state is { Token: 0, Steps: 0 })
        {
            Begin(state.X.size(0), state.X.size(1));
        }
        Transitions part = _parts[^1];
        Tensor x = state.X.cpu(), step = part.Steps.select(1, state.Token).unsqueeze(1);
        Put(part.Before, 0);
        Put(part.After, 1);

        void Put(Tensor all, long behind)
        {
            Tensor at = all.select(1, state.Token);
            at.copy_(where(step.Plus(behind).eq(Scalars.Of((long)state.Steps)), x, at));
        }
    }

    /// <summary>All that was kept, of no dispose scope; the recorder is empty then.</summary>
    public Transitions Take()
    {
        using DisposeScope scope = NewDisposeScope();
        Transitions all = new(Joined(p => p.Before), Joined(p => p.After), Joined(p => p.Steps));
        _parts.ForEach(p => p.Dispose());
        _parts.Clear();
        return all;

        Tensor Joined(Func<Transitions, Tensor> of) => cat([.. _parts.Select(of)]).DetachFromDisposeScope();
    }

    private void Begin(long pictures, long width)
    {
        long[] steps = [.. Enumerable.Range(0, (int)pictures * tokens).Select(i => (long)StepOf((_pictures * tokens) + i))];
        _parts.Add(new Transitions(
            zeros(pictures, tokens, width).DetachFromDisposeScope(), zeros(pictures, tokens, width).DetachFromDisposeScope(), tensor(steps, [pictures, tokens]).DetachFromDisposeScope()));
        _pictures += pictures;
    }

    private int StepOf(long token) =>
        _stochastic[(which == LearnedStep.Round ? Streams.Managed(seed, "post.step", round) : Streams.Managed(seed, $"post.step.{round}", token)).NextInt(_stochastic.Length)];
}
