using System.ComponentModel.DataAnnotations;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The <c>training.scheduledSampling</c> node. Scheduled sampling (Bengio et al. 2015, arXiv:1506.03099) for continuous tokens: in some pictures the transformer
/// is given tokens that the model itself draws after the true ones, and learns the true ones all the same. It meets its own errors in training, as in drawing.
/// </summary>
public sealed record ScheduledSamplingConfig
{
    /// <summary>The share of pictures whose tokens are the model's own; 0 = teacher forcing throughout.</summary>
    [Range(0.0, 1.0)]
    public double Share { get; init; }

    /// <summary>Images over which the share rises linearly from 0.</summary>
    [Range(0, long.MaxValue)]
    public long Ramp { get; init; }

    /// <summary>Steps of the head's sampler for them, without guidance.</summary>
    [Range(1, 1000)]
    public int Steps { get; init; } = 2;

    /// <summary>The share after so many images.</summary>
    public double At(long images) => images >= Ramp ? Share : Share * images / Ramp;
}

/// <summary>Draws a model's own tokens for a batch of training.</summary>
internal static class ScheduledSampling
{
    /// <summary>The batch, some of its pictures with own tokens in place of the true ones that the transformer is given; the source of an edit stays.</summary>
    /// <param name="model">In training.</param>
    /// <param name="batch">Each picture with equally many learned tokens, in the order of the rows.</param>
    /// <param name="packing">Of the batch.</param>
    /// <param name="own">Which rows.</param>
    /// <param name="sampling">Solver and steps.</param>
    /// <param name="project">Puts a token where normalised tokens lie; null = as drawn.</param>
    /// <param name="noise">The draws.</param>
    public static ModelBatch Apply(NextStepModel model, ModelBatch batch, SequencePacking? packing, bool[] own, SamplingConfig sampling, Func<Tensor, Tensor>? project, NoiseSource noise)
    {
        if (!own.Contains(true))
        {
            return batch;
        }
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor conditions = model.Conditions(batch, packing);
        long each = conditions.size(0) / own.Length;
        Tensor rows = tensor([.. own.SelectMany((o, row) => o ? Enumerable.Range(0, (int)each).Select(i => (row * each) + i) : [])]).to(conditions.device);
        using TokenHeadSamplers samplers = new(model, sampling, 1, null);
        Tensor drawn = samplers.At(0).Sample(conditions.index_select(0, rows), Guidance.Off, noise);
        Tensor places = batch.Learned is { } learned ? learned.index_select(0, rows) : rows;
        Func<Tensor, Tensor>? step = model.Config.Steps.EachToken(project);
        Tensor fed = batch.Tokens.index_copy(0, places, (step is null ? drawn : step(drawn)).to(batch.Tokens.dtype, batch.Tokens.device));
        return batch with { Fed = fed.MoveToOuterDisposeScope() };
    }
}
