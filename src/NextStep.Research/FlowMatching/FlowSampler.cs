using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Settings of <see cref="FlowSampler"/>.</summary>
public sealed record FlowSamplerOptions
{
    /// <summary>The update rule.</summary>
    public SamplingSolver Solver { get; init; } = SamplingSolver.Ode;

    /// <summary>Network evaluations N.</summary>
    public int Steps { get; init; } = 20;

    /// <summary>Time shift s.</summary>
    public double TimestepShift { get; init; } = 1;

    /// <summary>η of <see cref="SamplingSolver.Sde"/> and <see cref="SamplingSolver.Cps"/>.</summary>
    public double NoiseLevel { get; init; } = 0.8;

    /// <summary>Reference solver only: δ of its last step.</summary>
    public float LastStep { get; init; } = TimestepSchedule.ReferenceLastStep;

    /// <summary>Reference solver only: rows drawn, tiled over the batch; null = one draw a row.</summary>
    public int? NoiseRepeat { get; init; }
}

/// <summary>
/// Samples image tokens by integrating the head's velocity from noise to data. The time embedding is computed once per
/// schedule, the condition embedding once per token, the modulations of many steps in one product per layer.
/// </summary>
public sealed class FlowSampler : TokenHeadSampler
{
    // At most so many modulation numbers are held at once; more steps are done in several products.
    private const long ModulationBudget = 32L << 20;

    private readonly FlowHeadNetwork _network;
    private readonly FlowSamplerOptions _options;
    private readonly SolverSteps _solver;
    private readonly Tensor _timeEmbeddings;
    private readonly ScalarType _dtype;
    private readonly Device _device;
    private FlowHeadRows? _rows;

    /// <summary>Prepares the schedule for <paramref name="network"/>, whose weights must not change while the sampler lives.</summary>
    /// <param name="network">The velocity.</param>
    /// <param name="options">Solver and schedule.</param>
    /// <param name="span">For networks that are told how far a step goes: what they are told of its length. Null = they take the time alone.</param>
    public FlowSampler(FlowHeadNetwork network, FlowSamplerOptions options, Func<float, float>? span = null)
    {
        _network = network;
        _options = options;
        _solver = options.Solver.Build(options);
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = network.parameters().First();
        (_dtype, _device) = (weight.dtype, weight.device);
        Tensor times = tensor([.. _solver.Times]);
        if (span is not null)
        {
            times = stack([times, tensor([.. _solver.Times.Select((t, i) => span((i + 1 < _solver.Times.Count ? _solver.Times[i + 1] : 1) - t))])], 1);
        }
        times = times.to(_dtype, _device); // rounded like the activations, as in training
        _timeEmbeddings = network.EmbedTimes(times).DetachFromDisposeScope();
    }

    /// <summary>Draws one token per row of the conditional block.</summary>
    /// <param name="conditions">[branches·m, H], branch-major.</param>
    /// <param name="guidance">Branches and scales of this token.</param>
    /// <param name="noise">Initial noise [m, d], then one draw per stochastic step.</param>
    /// <param name="onStep">Called with the state [m, d] after every step, for inspection; it is disposed afterwards.</param>
    /// <returns>[m, d] float32.</returns>
    public override Tensor Sample(Tensor conditions, Guidance guidance, NoiseSource noise, Action<Tensor>? onStep = null)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int branches = (int)guidance.Branches;
        if (conditions.size(0) % branches != 0)
        {
            throw new ArgumentException($"{conditions.size(0)} condition rows cannot hold {branches} guidance branches.", nameof(conditions));
        }
        int pictures = (int)conditions.size(0) / branches;
        Tensor embedded = _network.EmbedConditions(conditions.to(_dtype, _device)); // [K·m, D]
        FlowHeadRows? rows = RowsFor(embedded.size(0));
        int chunk = ChunkOf(embedded.size(0));
        if (_solver is not FlowSolver linear)
        {
            return AnySteps(embedded, chunk, pictures, guidance, noise, onStep).MoveToOuterDisposeScope();
        }
        Queue<Tensor> draws = new(Draws(linear, noise, pictures));
        Tensor x = draws.Dequeue();
        for (int start = 0; start < _options.Steps; start += chunk)
        {
            using DisposeScope inner = NewDisposeScope();
            int count = Math.Min(chunk, _options.Steps - start);
            Tensor y = _timeEmbeddings.narrow(0, start, count).unsqueeze(1).Plus(embedded.unsqueeze(0)); // [count, K·m, D]
            FlowModulations all = _network.InferredModulations(y);
            x = (rows is null ? Steps(linear, x, all, start, count, guidance, draws, onStep) : Steps(linear, rows, x, all, start, count, guidance, draws, onStep)).MoveToOuterDisposeScope();
        }
        return x.MoveToOuterDisposeScope();
    }

    // Many rows, or a GPU: torch's products.
    private Tensor Steps(FlowSolver solver, Tensor x, FlowModulations all, int start, int count, Guidance guidance, Queue<Tensor> draws, Action<Tensor>? onStep)
    {
        int branches = (int)guidance.Branches;
        Tensor state = x;
        for (int i = 0; i < count; i++)
        {
            using DisposeScope step = NewDisposeScope();
            FlowModulations now = new([.. all.Blocks.Select(b => b[i])], all.Final[i]);
            Tensor input = state.to_type(_dtype);
            Tensor velocity = _network.Velocity(branches == 1 ? input : input.repeat(branches, 1), now).to_type(ScalarType.Float32);
            state = solver.Step(state, guidance.Combine(velocity), start + i, draws.Dequeue).MoveToOuterDisposeScope();
            onStep?.Invoke(state);
        }
        return state;
    }

    // Few rows on the CPU: the same, with nothing but the noise allocated.
    private static Tensor Steps(FlowSolver solver, FlowHeadRows rows, Tensor x, FlowModulations all, int start, int count, Guidance guidance, Queue<Tensor> draws, Action<Tensor>? onStep)
    {
        Tensor[] wide = [.. all.Blocks.Append(all.Final).Select(b => b.to_type(ScalarType.Float32))];
        nint[] addresses = Array.ConvertAll(wide, TensorMemory.Address);
        int pictures = (int)x.size(0);
        rows.Load(x);
        for (int i = 0; i < count; i++)
        {
            rows.Evaluate(pictures, i, addresses[..^1], addresses[^1]);
            FlowStep step = solver.At(start + i);
            using (Tensor? drawn = step.Noise is null ? null : draws.Dequeue().contiguous())
            {
                rows.Advance(step, guidance, pictures, drawn);
            }
            if (onStep is not null)
            {
                using Tensor now = rows.States(pictures);
                onStep(now);
            }
        }
        Array.ForEach(wide, t => t.Dispose());
        return rows.States(pictures);
    }

    // A solver of any shape: it asks for velocities in the order of its times; their modulations are prepared in the same chunks.
    private Tensor AnySteps(Tensor embedded, int chunk, long pictures, Guidance guidance, NoiseSource noise, Action<Tensor>? onStep)
    {
        int branches = (int)guidance.Branches, first = 0, held = 0;
        FlowModulations? all = null;
        Tensor state = Draw(noise, pictures).to(_device);
        for (int step = 0; step < _solver.Count; step++)
        {
            Tensor next;
            using (NewDisposeScope())
            {
                next = _solver.Step(state, step, Velocity, () => Draw(noise, pictures).to(_device)).MoveToOuterDisposeScope();
            }
            state = next;
            onStep?.Invoke(state);
        }
        all?.Dispose();
        return state;

        Tensor Velocity(Tensor at, int index)
        {
            if (all is null || index < first || index >= first + held)
            {
                all?.Dispose();
                using DisposeScope outer = NewDisposeScope();
                (first, held) = (index, Math.Min(chunk, _solver.Times.Count - index));
                all = _network.InferredModulations(_timeEmbeddings.narrow(0, first, held).unsqueeze(1).Plus(embedded.unsqueeze(0))).Detached();
            }
            using DisposeScope inner = NewDisposeScope();
            FlowModulations now = new([.. all.Blocks.Select(b => b[index - first])], all.Final[index - first]);
            Tensor input = at.to_type(_dtype);
            Tensor velocity = _network.Velocity(branches == 1 ? input : input.repeat(branches, 1), now).to_type(ScalarType.Float32);
            return guidance.Combine(velocity).MoveToOuterDisposeScope();
        }
    }

    /// <summary>The means of the steps of k tokens of one picture, whose states are known.</summary>
    /// <param name="conditions">[branches·k, H], branch-major.</param>
    /// <param name="guidance">Of each token; the branches are the same.</param>
    /// <exception cref="InvalidOperationException">The solver's steps are not linear in state, velocity and noise.</exception>
    internal FlowPaths Paths(Tensor conditions, IReadOnlyList<Guidance> guidance)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        FlowSolver linear = _solver as FlowSolver ?? throw new InvalidOperationException($"The steps of {_options.Solver.GetType().Name} have no mean of their own.");
        int branches = (int)guidance[0].Branches;
        Tensor embedded = _network.EmbedConditions(conditions.to(_dtype, _device)).view(branches, guidance.Count, -1).transpose(0, 1);
        return new FlowPaths(_network, linear, RowsFor(branches), embedded, _timeEmbeddings, guidance);
    }

    private FlowHeadRows? RowsFor(long count)
    {
        if (_rows?.Rows != count)
        {
            _rows = FlowHeadRows.For(_network, count);
        }
        return _rows;
    }

    /// <summary>The steps it takes.</summary>
    internal SolverSteps Solver => _solver;

    /// <inheritdoc/>
    public override int Evaluations => _solver.Times.Count;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _timeEmbeddings.Dispose();
        base.Dispose(disposing);
    }

    private int ChunkOf(long rows)
    {
        long perStep = rows * _network.Config.Width * ((3L * _network.Config.Layers) + 2);
        return (int)Math.Clamp(ModulationBudget / Math.Max(1, perStep), 1, _options.Steps);
    }

    // All of a token, in the order of the steps; to a GPU they go together, once.
    private Tensor[] Draws(FlowSolver solver, NoiseSource noise, long pictures)
    {
        int count = 1 + Enumerable.Range(0, _options.Steps).Count(i => solver.At(i).Noise is not null);
        Tensor[] drawn = [.. Enumerable.Range(0, count).Select(_ => Draw(noise, pictures))];
        return _device.type == DeviceType.CPU ? drawn : Devices.Send(stack(drawn), _device).unbind(0);
    }

    private Tensor Draw(NoiseSource noise, long pictures)
    {
        long width = _network.Config.TokenWidth;
        if (_options.Solver is not ReferenceSolver || _options.NoiseRepeat is not { } repeat)
        {
            return noise.Normal(pictures, width);
        }
        if (pictures % repeat != 0)
        {
            throw new ArgumentException($"{pictures} pictures cannot share {repeat} noise rows evenly.");
        }
        using Tensor rows = noise.Normal(repeat, width);
        return rows.repeat(pictures / repeat, 1);
    }
}
