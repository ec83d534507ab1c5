using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Every picture of a split as image tokens, encoded once: means [n, L, d] and, for a posterior that is sampled, standard deviations.
/// What the transformer sees, so shift and scale are applied. The last items may be edits, with a source picture each.
/// </summary>
public sealed class LatentSet : IDisposable
{
    private LatentSet(Tensor means, Tensor? deviations, int rows, int columns, string[] captions, string[] ids, LatentSet? sources = null) =>
        (Means, Deviations, Rows, Columns, Captions, Ids, Sources) = (means, deviations, rows, columns, captions, ids, sources);

    /// <summary>[n, L, d]; of an edit, the result.</summary>
    public Tensor Means { get; }

    /// <summary>[n, L, d], or null when encoding is deterministic.</summary>
    public Tensor? Deviations { get; }

    /// <summary>Token rows of a picture.</summary>
    public int Rows { get; }

    /// <summary>Token columns of a picture.</summary>
    public int Columns { get; }

    /// <summary>The source pictures of the edits, which are the last so many items; null = none.</summary>
    public LatentSet? Sources { get; }

    /// <summary>Items that are captioned pictures; from here on they are edits.</summary>
    public int Pairs => Captions.Count - (Sources?.Captions.Count ?? 0);

    /// <summary>Caption of each picture; of an edit, the instruction.</summary>
    public IReadOnlyList<string> Captions { get; }

    /// <summary>Name of each picture.</summary>
    public IReadOnlyList<string> Ids { get; }

    /// <summary>Of tokens that are there already, for instance drawn ones; they belong to it from now on.</summary>
    /// <param name="tokens">[n, rows·columns, d].</param>
    /// <param name="rows">Token rows of a picture.</param>
    /// <param name="columns">Token columns of a picture.</param>
    /// <param name="captions">Of each picture.</param>
    /// <param name="ids">Name of each picture.</param>
    /// <param name="sources">Of the edits, which are the last so many.</param>
    internal static LatentSet Of(Tensor tokens, int rows, int columns, IReadOnlyList<string> captions, IReadOnlyList<string> ids, LatentSet? sources = null) =>
        new(tokens, null, rows, columns, [.. captions], [.. ids], sources);

    /// <summary>Encodes a source.</summary>
    /// <param name="autoencoder">In evaluation mode.</param>
    /// <param name="source">The pictures.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="progress">Called with the number done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static LatentSet Encode(ImageAutoencoder autoencoder, IImageSource source, int limit, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Device device = autoencoder.parameters().First().device;
        int count = Math.Min(limit, source.Count), patch = autoencoder.Config.PatchSize;
        List<Tensor> means = [], deviations = [];
        List<string> captions = [], ids = [];
        (int rows, int columns) = (0, 0);
        for (int start = 0, size = 1; start < count;)
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope inner = NewDisposeScope();
            if (start == 0)
            {
                using CaptionedImage first = source.Load(0);
                size = autoencoder.AtOnce(first.Pixels.size(1), first.Pixels.size(2));
            }
            using CaptionedBatch batch = Batches.Load(source, [.. Enumerable.Range(start, Math.Min(size, count - start))]);
            LatentPosterior posterior = autoencoder.Encode(batch.Pixels.to(device));
            (rows, columns) = ((int)posterior.Mean.size(2) / patch, (int)posterior.Mean.size(3) / patch);
            means.Add(PatchOrder.Patchify(autoencoder.ToModel(posterior.Mean), patch).cpu().MoveToOuterDisposeScope());
            if (!autoencoder.Deterministic)
            {
                Tensor deviation = posterior.LogVariance.Times(0.5f).exp().Times((float)autoencoder.Config.Scale);
                deviations.Add(PatchOrder.Patchify(deviation, patch).cpu().MoveToOuterDisposeScope());
            }
            captions.AddRange(batch.Captions);
            ids.AddRange(batch.Ids);
            start += batch.Ids.Length;
            progress?.Invoke(start);
        }
        return new LatentSet(
            cat(means).DetachFromDisposeScope(), deviations.Count == 0 ? null : cat(deviations).DetachFromDisposeScope(), rows, columns, [.. captions], [.. ids]);
    }

    /// <summary>A set with edits behind the pictures of this one; it takes over this set and both given.</summary>
    /// <param name="sources">What is edited.</param>
    /// <param name="results">What comes out, in the same order, captioned with the instructions.</param>
    public LatentSet WithEdits(LatentSet sources, LatentSet results)
    {
        if (Sources is not null || sources.Captions.Count != results.Captions.Count || (results.Rows, results.Columns) != (Rows, Columns) || (sources.Rows, sources.Columns) != (Rows, Columns))
        {
            throw new ArgumentException($"{sources.Captions.Count} sources and {results.Captions.Count} results, in tokens {sources.Rows}×{sources.Columns} and {results.Rows}×{results.Columns}, cannot join a set of {Rows}×{Columns}.", nameof(sources));
        }
        LatentSet joined = new(
            cat([Means, results.Means]).DetachFromDisposeScope(), Deviations is null ? null : cat([Deviations, results.Deviations!]).DetachFromDisposeScope(),
            Rows, Columns, [.. Captions, .. results.Captions], [.. Ids, .. results.Ids], sources);
        results.Dispose();
        Dispose();
        return joined;
    }

    /// <summary>Tokens of the given pictures, [k, L, d]; sampled from the posterior where there is one.</summary>
    public Tensor Tokens(int[] indices, NoiseSource noise)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor at = tensor([.. indices.Select(i => (long)i)]);
        Tensor tokens = Means.index_select(0, at);
        if (Deviations is not null)
        {
            tokens = tokens.Plus(Deviations.index_select(0, at) * noise.Normal(tokens.shape));
        }
        return tokens.MoveToOuterDisposeScope();
    }

    /// <summary>Writes <c>NAME.safetensors</c>.</summary>
    public void Save(string file)
    {
        Dictionary<string, Tensor> tensors = [];
        Collect(tensors, "");
        Sources?.Collect(tensors, "sources.");
        SafetensorsFile.Write(file, tensors, new Dictionary<string, string>
        {
            ["rows"] = Rows.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["columns"] = Columns.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["captions"] = JsonSerializer.Serialize(Captions),
            ["ids"] = JsonSerializer.Serialize(Ids),
        });
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or is no latent set.</exception>
    public static LatentSet Load(string file)
    {
        using SafetensorsFile saved = SafetensorsFile.Open(file);
        if (!saved.Entries.ContainsKey("means")
            || !int.TryParse(saved.Metadata.GetValueOrDefault("rows"), out int rows) || !int.TryParse(saved.Metadata.GetValueOrDefault("columns"), out int columns))
        {
            throw new InvalidDataException($"{file} holds no encoded pictures.");
        }
        string[] captions = JsonSerializer.Deserialize<string[]>(saved.Metadata.GetValueOrDefault("captions") ?? "[]") ?? [];
        string[] ids = JsonSerializer.Deserialize<string[]>(saved.Metadata.GetValueOrDefault("ids") ?? "[]") ?? [];
        LatentSet? sources = saved.Entries.TryGetValue("sources.means", out TensorEntry? entry) && entry.Shape is [var edits, ..] && edits <= captions.Length
            ? Read("sources.", captions[^(int)edits..], ids[^(int)edits..], null)
            : null;
        return Read("", captions, ids, sources);

        LatentSet Read(string prefix, string[] captions, string[] ids, LatentSet? sources)
        {
            Tensor means = saved.Read(prefix + "means").clone().DetachFromDisposeScope();
            if (means.dim() != 3 || means.size(0) != captions.Length || means.size(0) != ids.Length || means.size(1) != rows * columns)
            {
                throw new InvalidDataException($"{file}: {means.size(0)} pictures do not fit {captions.Length} captions and a grid of {rows}×{columns}.");
            }
            Tensor? deviations = saved.Entries.ContainsKey(prefix + "deviations") ? saved.Read(prefix + "deviations").clone().DetachFromDisposeScope() : null;
            return new LatentSet(means, deviations, rows, columns, captions, ids, sources);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Means.Dispose();
        Deviations?.Dispose();
        Sources?.Dispose();
    }

    private void Collect(Dictionary<string, Tensor> tensors, string prefix)
    {
        tensors[prefix + "means"] = Means;
        if (Deviations is not null)
        {
            tensors[prefix + "deviations"] = Deviations;
        }
    }
}
