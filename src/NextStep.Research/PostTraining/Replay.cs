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
            (Tensor replayed, CaptionedBatch batch) = Encoded(_source, Batches.Indices(config.Seed, "post.replay", step, count, _source.Count), noise);
            tokens.Add(replayed);
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

    /// <summary>Training pictures alone and, behind them, training edits. Join the caller's dispose scope.</summary>
    /// <param name="pictures">Their number; may be 0 where <paramref name="edits"/> is not.</param>
    /// <param name="edits">Their number; 0 = none.</param>
    /// <param name="step">Its number.</param>
    /// <param name="noise">Draws for a posterior that is sampled.</param>
    public LatentSet Alone(int pictures, int edits, long step, NoiseSource noise)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> tokens = [];
        List<string> captions = [], ids = [];
        LatentSet? sources = null;
        int side = config.Data.ImageSize / autoencoder.Config.PixelsPerToken;
        if (pictures > 0)
        {
            Add(_source, Batches.Indices(config.Seed, "post.replay", step, pictures, _source.Count));
        }
        if (edits > 0)
        {
            using ShapesEditSource before = new(config.Data, DataSplit.Train, EditSide.Before, config.Seed), after = new(config.Data, DataSplit.Train, EditSide.After, config.Seed);
            int[] indices = Batches.Indices(config.Seed, "post.replay.edits", step, edits, after.Count);
            Add(after, indices);
            sources = LatentSet.Of(Encoded(before, indices, noise).Tokens.MoveToOuterDisposeScope(), side, side, captions[^edits..], ids[^edits..]);
        }
        return LatentSet.Of(cat(tokens).MoveToOuterDisposeScope(), side, side, captions, ids, sources);

        void Add(IImageSource source, int[] indices)
        {
            (Tensor encoded, CaptionedBatch batch) = Encoded(source, indices, noise);
            tokens.Add(encoded);
            captions.AddRange(batch.Captions);
            ids.AddRange(batch.Ids);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();

    private (Tensor Tokens, CaptionedBatch Batch) Encoded(IImageSource source, int[] indices, NoiseSource noise)
    {
        Device device = autoencoder.parameters().First().device;
        CaptionedBatch batch = Batches.Load(source, indices); // its pixels belong to the caller's scope
        return (cat([.. batch.Pixels.split(autoencoder.AtOnce(batch.Pixels.size(2), batch.Pixels.size(3))).Select(pixels =>
            PatchOrder.Patchify(autoencoder.ToModel(autoencoder.Sample(autoencoder.Encode(pixels.to(device)), noise)), autoencoder.Config.PatchSize).cpu())]), batch);
    }
}
