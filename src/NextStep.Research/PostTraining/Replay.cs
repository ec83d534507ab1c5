using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Training pictures, encoded as they are needed.</summary>
internal sealed class Replay(ResearchConfig config, ImageAutoencoder autoencoder) : IDisposable
{
    private readonly IImageSource _source = ImageSources.Open(config.Data, DataSplit.Train, config.Seed);

    /// <summary>Drawn pictures, behind them the training pictures of a step, and then drawn edits, as one set. Join the caller's dispose scope.</summary>
    /// <param name="drawn">The pictures of a round.</param>
    /// <param name="groups">What it knows of them.</param>
    /// <param name="chosen">Those of them that the step learns from.</param>
    /// <param name="count">Training pictures; 0 = none.</param>
    /// <param name="step">Its number.</param>
    /// <param name="noise">Draws for a posterior that is sampled.</param>
    public LatentSet With(LatentSet drawn, DrawnGroups groups, int[] chosen, int count, long step, NoiseSource noise)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int[] pictures = [.. chosen.Where(i => i < groups.FirstEdit)], edits = [.. chosen.Where(i => i >= groups.FirstEdit)];
        List<Tensor> tokens = [];
        List<string> captions = [], ids = [];
        Add(pictures);
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
        Add(edits);
        LatentSet? sources = edits.Length == 0 ? null : LatentSet.Of(
            groups.Sources!.index_select(0, tensor([.. edits.Select(groups.SourceOf)])).MoveToOuterDisposeScope(), drawn.Rows, drawn.Columns, captions[^edits.Length..], ids[^edits.Length..]);
        return LatentSet.Of(cat(tokens).MoveToOuterDisposeScope(), drawn.Rows, drawn.Columns, captions, ids, sources);

        void Add(int[] places)
        {
            tokens.Add(drawn.Means.index_select(0, tensor([.. places.Select(i => (long)i)], ScalarType.Int64)));
            captions.AddRange(places.Select(i => drawn.Captions[i]));
            ids.AddRange(places.Select(i => drawn.Ids[i]));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();
}
