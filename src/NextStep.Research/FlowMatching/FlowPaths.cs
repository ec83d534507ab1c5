using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The means of a solver's steps for k tokens of one picture whose states are already known: all steps of all tokens in one evaluation of the head, or one step of one
/// token from a state of its own. Everything that depends on condition and time alone is prepared once.
/// </summary>
internal sealed class FlowPaths : IDisposable
{
    private readonly FlowHeadNetwork _network;
    private readonly FlowSolver _solver;
    private readonly FlowHeadRows? _rows;
    private readonly IReadOnlyList<Guidance> _guidance;
    private readonly FlowModulations _modulations; // [k, N, branches, ·]
    private readonly Dictionary<int, Tensor[]> _wide = [];
    private readonly Device _device;
    private readonly ScalarType _dtype;

    /// <summary>Prepares k tokens; <see cref="FlowSampler.Paths"/> calls it.</summary>
    /// <param name="network">The velocity.</param>
    /// <param name="solver">The steps.</param>
    /// <param name="rows">Evaluates as many rows as there are branches, or null.</param>
    /// <param name="embedded">E(c), [k, branches, D].</param>
    /// <param name="times">T(t), [N, D].</param>
    /// <param name="guidance">Of each token; the branches are the same.</param>
    public FlowPaths(FlowHeadNetwork network, FlowSolver solver, FlowHeadRows? rows, Tensor embedded, Tensor times, IReadOnlyList<Guidance> guidance)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (_network, _solver, _rows, _guidance, _device, _dtype) = (network, solver, rows, guidance, embedded.device, embedded.dtype);
        _modulations = network.InferredModulations(times.view(1, times.size(0), 1, -1).Plus(embedded.unsqueeze(1))).Detached();
    }

    /// <summary>Steps N.</summary>
    public int Steps => _solver.Count;

    /// <summary>The standard deviation that a step adds.</summary>
    public double Deviation(int step) => _solver.At(step).Noise ?? 0;

    /// <summary>The guided means of all steps of all tokens, [k][N][d].</summary>
    /// <param name="states">[k][N or more][d], the state before each step.</param>
    public float[][][] Means(IReadOnlyList<float[][]> states)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int branches = (int)_guidance[0].Branches, width = states[0][0].Length;
        Tensor x = tensor([.. states.SelectMany(path => path.Take(Steps)).SelectMany(s => s)], [states.Count, Steps, width]);
        Tensor input = x.to(_dtype, _device).unsqueeze(2).expand(-1, -1, branches, -1).reshape(-1, width);
        FlowModulations flat = new([.. _modulations.Blocks.Select(b => b.flatten(0, 2))], _modulations.Final.flatten(0, 2));
        Tensor velocity = _network.Velocity(input, flat).to(ScalarType.Float32, CPU).view(states.Count, Steps, branches, width);
        FlowStep[] steps = [.. Enumerable.Range(0, Steps).Select(_solver.At)];
        Tensor ofState = tensor([.. steps.Select(s => s.State)], [Steps, 1]), ofVelocity = tensor([.. steps.Select(s => s.Velocity)], [Steps, 1]);
        return [.. Enumerable.Range(0, states.Count).Select(token =>
        {
            Tensor guided = _guidance[token].Combine(velocity[token].transpose(0, 1).reshape(branches * Steps, width)); // [N, d]
            float[] means = [.. (x[token] * ofState).Plus(guided * ofVelocity).data<float>()];
            return means.Chunk(width).ToArray();
        })];
    }

    /// <summary>The guided mean of one step of one token, [d].</summary>
    /// <param name="token">0 … k − 1.</param>
    /// <param name="step">0 … N − 1.</param>
    /// <param name="state">[d], before the step.</param>
    public float[] Mean(int token, int step, float[] state)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        FlowStep rule = _solver.At(step) with { Noise = null };
        Tensor x = tensor(state, [1, state.Length]);
        if (_rows is { } rows)
        {
            Tensor[] wide = Wide(token);
            nint[] addresses = Array.ConvertAll(wide, TensorMemory.Address);
            rows.Load(x);
            rows.Evaluate(1, step, addresses[..^1], addresses[^1]);
            rows.Advance(rule, _guidance[token], 1, null);
            return [.. rows.States(1).data<float>()];
        }
        int branches = (int)_guidance[token].Branches;
        FlowModulations now = new([.. _modulations.Blocks.Select(b => b[token, step])], _modulations.Final[token, step]);
        Tensor velocity = _guidance[token].Combine(_network.Velocity(x.to(_dtype, _device).expand(branches, -1), now).to(ScalarType.Float32, CPU));
        return [.. x.Times(rule.State).Plus(velocity.Times(rule.Velocity)).data<float>()];
    }

    // One token's modulations as the kernels read them: float32, [N, branches, ·] in one piece.
    private Tensor[] Wide(int token)
    {
        if (!_wide.TryGetValue(token, out Tensor[]? wide))
        {
            _wide[token] = wide = [.. _modulations.Blocks.Append(_modulations.Final).Select(m => m[token].to_type(ScalarType.Float32).contiguous().DetachFromDisposeScope())];
        }
        return wide;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _modulations.Dispose();
        foreach (Tensor wide in _wide.Values.SelectMany(w => w))
        {
            wide.Dispose();
        }
    }
}
