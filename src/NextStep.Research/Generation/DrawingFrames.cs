using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Keeps the tokens of a drawing as they come (<see cref="GenerationRequest.OnToken"/>), and shows the pictures growing in the order of drawing.</summary>
/// <param name="generator">What draws.</param>
/// <param name="rows">Tokens of a picture from top to bottom.</param>
/// <param name="columns">Tokens of a picture from left to right.</param>
internal sealed class DrawingFrames(ImageGenerator generator, int rows, int columns) : IDisposable
{
    /// <summary>More tokens than this share a frame.</summary>
    public const int MostFrames = 64;

    private const float Undrawn = 0.8f;

    private readonly List<(int Place, Tensor Token)> _tokens = [];

    /// <summary>Takes a token of every picture, [n, d]; all pictures are drawn together.</summary>
    /// <exception cref="InvalidOperationException">A second part of the request begins.</exception>
    public void Add(SampledToken token)
    {
        ArgumentNullException.ThrowIfNull(token);
        if (_tokens.Any(t => t.Place == token.Index))
        {
            throw new InvalidOperationException("Pictures that grow are drawn in one batch; ask for fewer, or for a larger batch.");
        }
        _tokens.Add((token.Index, token.Token.detach().to_type(ScalarType.Float32).cpu().clone().DetachFromDisposeScope()));
    }

    /// <summary>At most <see cref="MostFrames"/> steps of [n, 3, H, W] in [−1, 1], the finished pictures last: what is not yet drawn is light grey. The caller disposes.</summary>
    public IEnumerable<Tensor> Frames()
    {
        int total = rows * columns, step = (total + MostFrames - 1) / MostFrames;
        for (int count = step; count < total + step; count += step)
        {
            yield return Frame(Math.Min(count, total), total);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _tokens.ForEach(t => t.Token.Dispose());

    private Tensor Frame(int count, int total)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (_tokens.Count != total)
        {
            throw new InvalidOperationException($"{_tokens.Count} of {total} tokens were drawn.");
        }
        Tensor drawn = stack(_tokens.Take(count).Select(t => t.Token), 1); // [n, count, d]
        Tensor places = tensor([.. _tokens.Take(count).Select(t => (long)t.Place)]);
        Tensor tokens = zeros(drawn.size(0), total, drawn.size(2)).index_copy(1, places, drawn);
        Tensor pictures = generator.Decode(tokens, rows, columns).cpu();
        (long high, long wide) = (pictures.size(2) / rows, pictures.size(3) / columns);
        foreach ((int index, _) in _tokens.Skip(count))
        {
            pictures.narrow(2, index / columns * high, high).narrow(3, index % columns * wide, wide).fill_(Scalars.Of(Undrawn));
        }
        return pictures.MoveToOuterDisposeScope();
    }
}
