using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The decode loop with a draft, for one picture: the draft draws k tokens one after another, the model's transformer reads them in one pass, its head evaluates all steps
/// of all of them at once, and <see cref="CoupledPath"/> makes tokens of the model's own of them. The first that is not the draft's is the last that is kept: what the
/// draft drew after it had another context. Both caches are cut there.
/// </summary>
internal sealed class SpeculativeSampler : IDisposable
{
    private readonly NextStepModel _model;
    private readonly SpeculativeDraft _draft;
    private readonly SamplingConfig _sampling;
    private readonly int _count;
    private readonly CachedModel _target;
    private readonly CachedModel _proposer;
    private readonly TokenHeadSamplers _targetHeads;
    private readonly TokenHeadSamplers _draftHeads;
    private readonly TokenNoise _noise;

    private SpeculativeSampler(NextStepModel model, SpeculativeDraft draft, PromptRows prompt, int count, SamplingConfig sampling, NoiseSource noise)
    {
        (_model, _draft, _sampling, _count) = (model, draft, sampling, count);
        CheckSolver(sampling, count);
        _targetHeads = new TokenHeadSamplers(model, sampling, count, null);
        _draftHeads = new TokenHeadSamplers(draft.Model.Model, sampling, count, null);
        _ = (FlowOf(_targetHeads, 0, "model"), FlowOf(_draftHeads, 0, "draft"));
        _noise = new TokenNoise(noise, model.Config.TokenWidth, [.. Enumerable.Range(0, count).Select(i => TokenHeadSamplers.Steps(sampling, i, count))]);
        _target = new CachedModel(model, prompt, prompt.Branches, count, sampling.CacheBits);
        _proposer = new CachedModel(draft.Model.Model, prompt, draft.Guided ? prompt.Branches : GuidanceBranches.None, count, sampling.CacheBits);
    }

    /// <summary>Draws the tokens of one picture, [1, count, d] float32; everything as for <see cref="TokenSampler.Draw"/>.</summary>
    public static Tensor Draw(
        NextStepModel model, SpeculativeDraft draft, PromptRows prompt, int count, SamplingConfig sampling, Func<Tensor, Tensor>? project, NoiseSource noise,
        Action<SampledToken>? onToken = null, CancellationToken cancellation = default)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (prompt.Ids.size(0) != (int)prompt.Branches)
        {
            throw new ArgumentException($"With a draft, pictures are drawn one at a time, not {prompt.Ids.size(0) / (int)prompt.Branches}.");
        }
        using SpeculativeSampler sampler = new(model, draft, prompt, count, sampling, noise);
        List<Tensor> tokens = []; // [1, d], as they are fed
        while (tokens.Count < count)
        {
            cancellation.ThrowIfCancellationRequested();
            sampler.Advance(tokens, project, onToken);
        }
        draft.Counts.Drawn += count;
        draft.Counts.PlainPasses += count - 1;
        return stack([.. tokens.Select(t => t.to_type(ScalarType.Float32))], 1).MoveToOuterDisposeScope();
    }

    // One round: proposals, one pass, and at least one token more.
    private void Advance(List<Tensor> tokens, Func<Tensor, Tensor>? project, Action<SampledToken>? onToken)
    {
        using DisposeScope round = NewDisposeScope();
        SpeculativeCounts counts = _draft.Counts;
        int index = tokens.Count, k = Math.Min(_draft.Tokens, _count - index);
        long start = Stopwatch.GetTimestamp();
        List<DraftPath> paths = [];
        List<Tensor> drafted = [];
        for (int i = 0; i < k; i++)
        {
            Tensor hidden = index + i == 0 ? _proposer.First : _proposer.Feed(i == 0 ? tokens[^1] : drafted[^1]);
            paths.Add(Propose(_proposer.Conditions(hidden, index + i).select(1, 0), index + i));
            drafted.Add(Token(paths[i].Token, project).Fed);
        }
        counts.DraftMilliseconds += Lap(ref start);

        // What the model has not read: the last token it drew, and all proposals but the last.
        Tensor[] unread = [.. tokens.TakeLast(1), .. drafted.Take(k - 1)];
        Tensor states = unread.Length == 0 ? _target.First : index == 0 ? cat([_target.First, _target.Feed(cat(unread))], 1) : _target.Feed(cat(unread));
        Tensor conditions = _target.Conditions(states, index); // [branches, k, H]
        counts.Passes += unread.Length == 0 ? 0 : 1;
        counts.PassMilliseconds += Lap(ref start);

        int kept = Verify(tokens, paths, conditions, index, project, onToken);
        (counts.Proposed, counts.HeadMilliseconds) = (counts.Proposed + k, counts.HeadMilliseconds + Lap(ref start));
        _target.Keep(index + kept - 1);
        _proposer.Keep(index + kept - 1);
    }

    private DraftPath Propose(Tensor condition, int index)
    {
        using NoiseSource noise = _noise.Of(index);
        FlowSampler sampler = FlowOf(_draftHeads, index, "draft");
        List<float[]> states = [_noise.Start(index)], means = [];
        Guidance guidance = _proposer.Branches == GuidanceBranches.None ? Guidance.Off : TokenSampler.GuidanceOf(_sampling, _proposer.Branches, index, _count);
        FlowSolver solver = (FlowSolver)sampler.Solver;
        sampler.Sample(condition, guidance, noise, state =>
        {
            using Tensor local = state.cpu();
            float[] reached = [.. local.data<float>()], drawn = _noise.Step(index, means.Count);
            float weight = solver.At(means.Count).Noise!.Value;
            means.Add([.. reached.Zip(drawn, (x, n) => x - (n * weight))]);
            states.Add(reached);
        }).Dispose();
        return new DraftPath([.. states], [.. means]);
    }

    // How many of the tokens are kept: those accepted, and the first that is not. Neighbours with the same steps share an evaluation.
    private int Verify(List<Tensor> tokens, List<DraftPath> drafted, Tensor conditions, int index, Func<Tensor, Tensor>? project, Action<SampledToken>? onToken)
    {
        for (int from = 0; from < drafted.Count;)
        {
            FlowSampler sampler = FlowOf(_targetHeads, index + from, "model");
            int to = from + 1;
            while (to < drafted.Count && ReferenceEquals(_targetHeads.At(index + to), sampler))
            {
                to++;
            }
            using DisposeScope scope = NewDisposeScope();
            using FlowPaths paths = sampler.Paths(
                conditions.narrow(1, from, to - from).flatten(0, 1), [.. Enumerable.Range(index + from, to - from).Select(i => TokenSampler.GuidanceOf(_sampling, _target.Branches, i, _count))]);
            float[][][] means = paths.Means([.. drafted[from..to].Select(p => p.States)]);
            for (int token = from; token < to; token++)
            {
                int own = token - from;
                CoupledToken coupled = CoupledPath.Walk(drafted[token], paths.Deviation, s => means[own][s], (s, x) => paths.Mean(own, s, x), _noise.Uniforms(index + token));
                Count(coupled, paths.Steps);
                (Tensor raw, Tensor fed) = Token(coupled.Token, project);
                tokens.Add(fed.MoveToOuterDisposeScope().MoveToOuterDisposeScope());
                onToken?.Invoke(new SampledToken(index + token, conditions.select(1, token), fed, raw));
                if (!coupled.Same)
                {
                    return token + 1;
                }
            }
            from = to;
        }
        return drafted.Count;
    }

    // Rounded to the weights' dtype once, as without a draft, so that what is fed back is what is decoded.
    private (Tensor Raw, Tensor Fed) Token(float[] drawn, Func<Tensor, Tensor>? project)
    {
        Tensor raw = tensor(drawn, [1, drawn.Length]).to(_model.Transformer.Dtype, _target.First.device);
        return (raw, project is null ? raw : project(raw));
    }

    private void Count(CoupledToken coupled, int steps)
    {
        SpeculativeCounts counts = _draft.Counts;
        counts.Verified++;
        counts.Accepted += coupled.Same ? 1 : 0;
        counts.Steps += steps;
        counts.AcceptedSteps += coupled.SameSteps;
        counts.StepsAlone += coupled.Alone;
    }

    private static FlowSampler FlowOf(TokenHeadSamplers heads, int index, string whose) => heads.At(index) as FlowSampler
        ?? throw new ArgumentException($"The {whose}'s head does not integrate a velocity, so that there are no steps to accept; a draft and its model need flow heads.");

    private static void CheckSolver(SamplingConfig sampling, int count)
    {
        foreach (int steps in Enumerable.Range(0, count).Select(i => TokenHeadSamplers.Steps(sampling, i, count)).Distinct())
        {
            FlowSolver? solver = sampling.Solver.Build(new FlowSamplerOptions { Solver = sampling.Solver, Steps = steps, TimestepShift = sampling.TimestepShift, NoiseLevel = sampling.NoiseLevel }) as FlowSolver;
            int silent = solver is null ? 0 : Enumerable.Range(0, steps).FirstOrDefault(i => !(solver.At(i).Noise > 0), -1);
            if (silent >= 0)
            {
                throw new ArgumentException(
                    $"A draft's tokens are accepted between Gaussian steps, but the solver {ComponentCatalog.NameOf(sampling.Solver.GetType())} adds no noise in step {silent + 1} of {steps}; use sde with a noise level above 0, or noisy-cps.");
            }
        }
    }

    private static double Lap(ref long start)
    {
        long from = start;
        start = Stopwatch.GetTimestamp();
        return Stopwatch.GetElapsedTime(from, start).TotalMilliseconds;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _target.Dispose();
        _proposer.Dispose();
        _targetHeads.Dispose();
        _draftHeads.Dispose();
        _noise.Dispose();
    }
}
