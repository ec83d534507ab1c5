using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Training pictures, encoded as they are needed.</summary>
internal sealed class Replay(ResearchConfig config, ImageAutoencoder autoencoder) : IDisposable
{
    private readonly IImageSource _source = ImageSources.Open(config.Data, DataSplit.Train, config.Seed);

    /// <summary>Drawn pictures and behind them the training pictures of a step, as one set. Join the caller's dispose scope.</summary>
    /// <param name="drawn">The pictures of a round.</param>
    /// <param name="chosen">Those of them that the step learns from.</param>
    /// <param name="count">Training pictures; 0 = none.</param>
    /// <param name="step">Its number.</param>
    /// <param name="noise">Draws for a posterior that is sampled.</param>
    public LatentSet With(LatentSet drawn, int[] chosen, int count, long step, NoiseSource noise)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> tokens = [drawn.Means.index_select(0, tensor([.. chosen.Select(i => (long)i)]))];
        List<string> captions = [.. chosen.Select(i => drawn.Captions[i])], ids = [.. chosen.Select(i => drawn.Ids[i])];
        if (count > 0)
        {
            Device device = autoencoder.parameters().First().device;
            using CaptionedBatch batch = Batches.Load(_source, Batches.Indices(config.Seed, "post.replay", step, count, _source.Count));
            foreach (Tensor pixels in batch.Pixels.split(autoencoder.AtOnce(batch.Pixels.size(2), batch.Pixels.size(3))))
            {
                tokens.Add(PatchOrder.Patchify(autoencoder.ToModel(autoencoder.Sample(autoencoder.Encode(pixels.to(device)), noise)), autoencoder.Config.PatchSize).cpu());
            }
            captions.AddRange(batch.Captions);
            ids.AddRange(batch.Ids);
        }
        return LatentSet.Of(cat(tokens).MoveToOuterDisposeScope(), drawn.Rows, drawn.Columns, captions, ids);
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();
}
