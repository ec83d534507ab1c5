using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The <c>training.model.optimizer</c> and <c>training.autoencoder.optimizer</c> nodes: how a step moves the weights. Schedule, clipping and the weight
/// average are the trainer's. An optimizer of one's own is a record that derives from this, with its options as <c>init</c> properties, and an
/// <see cref="Optimizer"/> that it builds; its name in files is that of its type in kebab-case without <c>Optimizer</c>.
/// </summary>
public abstract record OptimizerConfig : ComponentConfig
{
    /// <summary>Builds it for the weights of one training, on their device.</summary>
    public abstract Optimizer Build(OptimizerContext context);
}

/// <summary>What an optimizer is built for.</summary>
/// <param name="Weights">All parameters of what is trained by name, those that are frozen among them.</param>
/// <param name="WeightDecay">The trainer's decoupled decay; by its meaning it is for matrices, not for biases and norms.</param>
public sealed record OptimizerContext(IReadOnlyList<KeyValuePair<string, Tensor>> Weights, double WeightDecay);

/// <summary>A weight that learns in a step.</summary>
/// <param name="Name">As in the state dictionary.</param>
/// <param name="Weight">The live tensor; to be changed in place.</param>
/// <param name="Gradient">Of this step, clipped already, of the weight's shape.</param>
public readonly record struct LearningWeight(string Name, Tensor Weight, Tensor Gradient);

/// <summary>What one step is given.</summary>
/// <param name="Weights">Those that learn and have a gradient, matrices first; frozen ones are not among them.</param>
/// <param name="LearningRate">Of this step, warm-up and schedule included.</param>
/// <param name="Number">1 for the first step; goes on after a resume.</param>
public sealed record OptimizerStep(IReadOnlyList<LearningWeight> Weights, double LearningRate, long Number);

/// <summary>
/// Moves weights by their gradients. All that it remembers between steps is kept by <see cref="Keep"/>: those tensors are saved in
/// every checkpoint under their names and put back on resume, so that a killed training ends with the same bits.
/// </summary>
public abstract class Optimizer : IDisposable
{
    private readonly Dictionary<string, Tensor> _kept = new(StringComparer.Ordinal);

    /// <summary>What it remembers, by name; the tensors are the live ones, the same from the constructor on.</summary>
    public virtual IEnumerable<KeyValuePair<string, Tensor>> State => _kept;

    /// <summary>One step, without gradients and in a dispose scope.</summary>
    public abstract void Step(OptimizerStep step);

    /// <summary>Makes a tensor part of the state; for the constructor. It is freed with the optimizer.</summary>
    /// <param name="name">In checkpoints, for instance <c>momentum.</c> and the weight's name; not <c>weight.</c>, <c>buffer.</c> or <c>ema.</c>, which are the trainer's.</param>
    /// <param name="first">What it holds before the first step, for instance <c>zeros_like(weight)</c>.</param>
    /// <returns>The same tensor, to be changed in place.</returns>
    protected Tensor Keep(string name, Tensor first)
    {
        ArgumentNullException.ThrowIfNull(first);
        _kept.Add(name, first.DetachFromDisposeScope());
        return first;
    }

    /// <summary>Frees the state.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the state.</summary>
    protected virtual void Dispose(bool disposing)
    {
        foreach (Tensor tensor in _kept.Values)
        {
            tensor.Dispose();
        }
    }
}
