using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Where random tensors come from: drawn, or replayed from a recording so that parity can be shown.</summary>
public abstract class NoiseSource : IDisposable
{
    /// <summary>Standard normal float32 on the CPU.</summary>
    public abstract Tensor Normal(params long[] shape);

    /// <summary>Uniform [0, 1) float32 on the CPU.</summary>
    public abstract Tensor Uniform(params long[] shape);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees generators or recorded tensors.</summary>
    protected abstract void Dispose(bool disposing);
}

/// <summary>Draws everything from one random stream.</summary>
public sealed class DrawnNoise(long seed, string stream, long step = 0) : NoiseSource
{
    private readonly Generator _generator = Streams.For(seed, stream, step);

    /// <inheritdoc/>
    public override Tensor Normal(params long[] shape) => randn(shape, ScalarType.Float32, CPU, generator: _generator);

    /// <inheritdoc/>
    public override Tensor Uniform(params long[] shape) => rand(shape, ScalarType.Float32, CPU, generator: _generator);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _generator.Dispose();
}

/// <summary>
/// One stream per picture: row i of every draw depends on the seed and the picture's number alone, so a picture is the
/// same whatever batch it is drawn in.
/// </summary>
public sealed class PerImageNoise(long seed, string stream, long firstImage) : NoiseSource
{
    private readonly List<Generator> _generators = [];

    /// <inheritdoc/>
    public override Tensor Normal(params long[] shape) => Rows(shape, (s, g) => randn(s, ScalarType.Float32, CPU, generator: g));

    /// <inheritdoc/>
    public override Tensor Uniform(params long[] shape) => Rows(shape, (s, g) => rand(s, ScalarType.Float32, CPU, generator: g));

    private Tensor Rows(long[] shape, Func<long[], Generator, Tensor> draw)
    {
        while (_generators.Count < shape[0])
        {
            _generators.Add(Streams.For(seed, stream, firstImage + _generators.Count));
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor[] rows = [.. _generators.Take((int)shape[0]).Select(g => draw(shape[1..], g))];
        return stack(rows).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (Generator generator in _generators)
        {
            generator.Dispose();
        }
    }
}

/// <summary>Draws from another source and keeps all that was drawn, in call order, so that it can be replayed.</summary>
public sealed class RecordingNoise(NoiseSource inner) : NoiseSource
{
    private readonly List<Tensor> _draws = [];

    /// <summary>What was drawn so far.</summary>
    public IReadOnlyList<Tensor> Draws => _draws;

    /// <inheritdoc/>
    public override Tensor Normal(params long[] shape) => Keep(inner.Normal(shape));

    /// <inheritdoc/>
    public override Tensor Uniform(params long[] shape) => Keep(inner.Uniform(shape));

    private Tensor Keep(Tensor draw)
    {
        _draws.Add(draw.clone().DetachFromDisposeScope());
        return draw;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        inner.Dispose();
        _draws.ForEach(d => d.Dispose());
        _draws.Clear();
    }
}

/// <summary>Shows the first draw of another source, which stays whose it was.</summary>
internal sealed class FirstDraw(NoiseSource inner, Action<Tensor> show) : NoiseSource
{
    private bool _shown;

    /// <inheritdoc/>
    public override Tensor Normal(params long[] shape) => Shown(inner.Normal(shape));

    /// <inheritdoc/>
    public override Tensor Uniform(params long[] shape) => Shown(inner.Uniform(shape));

    private Tensor Shown(Tensor draw)
    {
        if (!_shown)
        {
            show(draw);
        }
        _shown = true;
        return draw;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
    }
}

/// <summary>Replays recorded draws in call order; each must have the shape that is asked for.</summary>
public sealed class RecordedNoise : NoiseSource
{
    private readonly Queue<Tensor> _draws;

    /// <summary>Takes ownership of <paramref name="draws"/>.</summary>
    public RecordedNoise(IEnumerable<Tensor> draws) => _draws = new Queue<Tensor>(draws.Select(d => d.DetachFromDisposeScope()));

    /// <summary>Draws not yet asked for.</summary>
    public int Remaining => _draws.Count;

    /// <summary>Whether the next draw has this shape.</summary>
    public bool NextIs(params long[] shape) => _draws.TryPeek(out Tensor? next) && next.shape.SequenceEqual(shape);

    /// <inheritdoc/>
    public override Tensor Normal(params long[] shape) => Next(shape);

    /// <inheritdoc/>
    public override Tensor Uniform(params long[] shape) => Next(shape);

    private Tensor Next(long[] shape)
    {
        if (!_draws.TryDequeue(out Tensor? draw))
        {
            throw new InvalidOperationException($"The recorded noise is used up; another draw of shape [{string.Join(", ", shape)}] was asked for.");
        }
        if (!draw.shape.SequenceEqual(shape))
        {
            using (draw)
            {
                throw new InvalidOperationException($"The next recorded draw has shape [{string.Join(", ", draw.shape)}]; [{string.Join(", ", shape)}] was asked for.");
            }
        }
        using (draw)
        {
            return draw.alias(); // joins the caller's dispose scope; the recording's own handle ends here
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        while (_draws.TryDequeue(out Tensor? draw))
        {
            draw.Dispose();
        }
    }
}
