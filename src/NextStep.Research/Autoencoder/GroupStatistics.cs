using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Means and variances of group norms over a whole picture that is computed in tiles. While one is current on a thread, every norm
/// uses what was collected before, or its tile's own statistics in the first sweep, and collects from the part that is kept of a tile.
/// </summary>
internal sealed class GroupStatistics : IDisposable
{
    private const double Epsilon = 1e-6;

    [ThreadStatic]
    private static GroupStatistics? _current;

    private readonly Dictionary<GroupNorm, (Tensor Sum, Tensor Squares, long Count)> _collecting = [];
    private readonly Dictionary<GroupNorm, (Tensor Mean, Tensor Inverse)> _known = [];

    /// <summary>Height of the tile at hand and the kept part of it: fractions of its height and width.</summary>
    public Tile Tile { get; set; }

    /// <summary>Whether there is a current one on this thread.</summary>
    public static bool InUse => _current is not null;

    /// <summary>The norm of x, [n, c, h, w].</summary>
    public static Tensor Apply(GroupNorm norm, Tensor x) => _current is { } statistics ? statistics.Normalize(norm, x) : norm.forward(x);

    /// <summary>Makes this the current one of the thread, or none.</summary>
    public static void Use(GroupStatistics? statistics) => _current = statistics;

    /// <summary>Ends a sweep over all tiles: what it collected is used from now on.</summary>
    public void Settle()
    {
        foreach ((GroupNorm norm, (Tensor sum, Tensor squares, long count)) in _collecting)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor mean = sum.Over((double)count), variance = squares.Over((double)count) - mean.Squared();
            if (_known.Remove(norm, out (Tensor Mean, Tensor Inverse) old))
            {
                old.Mean.Dispose();
                old.Inverse.Dispose();
            }
            _known[norm] = (
                mean.to_type(ScalarType.Float32).DetachFromDisposeScope(),
                variance.clamp_min(Scalars.Of(0)).Plus(Epsilon).rsqrt().to_type(ScalarType.Float32).DetachFromDisposeScope());
            sum.Dispose();
            squares.Dispose();
        }
        _collecting.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Settle();
        foreach ((Tensor mean, Tensor inverse) in _known.Values)
        {
            mean.Dispose();
            inverse.Dispose();
        }
    }

    private Tensor Normalize(GroupNorm norm, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        (long batch, long channels, long groups) = (x.size(0), x.size(1), norm.num_groups);
        Tensor kept = Tile.Keep(x).to_type(ScalarType.Float32).reshape(batch, groups, -1);
        (Tensor sum, Tensor squares) = (kept.sum(-1, type: ScalarType.Float64), kept.Squared().sum(-1, type: ScalarType.Float64));
        if (_collecting.TryGetValue(norm, out (Tensor Sum, Tensor Squares, long Count) before))
        {
            before.Sum.PlusInPlace(sum);
            before.Squares.PlusInPlace(squares);
            _collecting[norm] = before with { Count = before.Count + kept.size(-1) };
        }
        else
        {
            _collecting[norm] = (sum.DetachFromDisposeScope(), squares.DetachFromDisposeScope(), kept.size(-1));
        }
        if (!_known.TryGetValue(norm, out (Tensor Mean, Tensor Inverse) known))
        {
            return norm.forward(x).MoveToOuterDisposeScope();
        }
        Tensor y = x.view(batch, groups, -1).to_type(ScalarType.Float32).sub(known.Mean.unsqueeze(-1)).mul_(known.Inverse.unsqueeze(-1)).view(x.shape).to_type(x.dtype);
        return y.mul_(norm.weight!.view(1, channels, 1, 1)).PlusInPlace(norm.bias!.view(1, channels, 1, 1)).MoveToOuterDisposeScope();
    }
}

/// <summary>One tile along both axes, in units of the tiled input: what is computed and what is kept of it.</summary>
/// <param name="Rows">Along the height.</param>
/// <param name="Columns">Along the width.</param>
internal readonly record struct Tile(TileSpan Rows, TileSpan Columns)
{
    /// <summary>The kept part of this tile's features at any resolution, [n, c, h, w].</summary>
    public Tensor Keep(Tensor x)
    {
        (long height, long width) = (Rows.OuterTo - Rows.OuterFrom, Columns.OuterTo - Columns.OuterFrom);
        using Tensor rows = x.narrow(2, (Rows.From - Rows.OuterFrom) * x.size(2) / height, (Rows.To - Rows.From) * x.size(2) / height);
        return rows.narrow(3, (Columns.From - Columns.OuterFrom) * x.size(3) / width, (Columns.To - Columns.From) * x.size(3) / width);
    }
}

/// <summary>[From, To) is kept, [OuterFrom, OuterTo) is computed.</summary>
internal readonly record struct TileSpan(long From, long To, long OuterFrom, long OuterTo)
{
    /// <summary>Cuts a length into pieces of at most <paramref name="size"/>, each computed with a margin on both sides.</summary>
    public static IEnumerable<TileSpan> Cut(long length, long size, long margin)
    {
        for (long from = 0; from < length; from += size)
        {
            long to = Math.Min(length, from + size);
            yield return new TileSpan(from, to, Math.Max(0, from - margin), Math.Min(length, to + margin));
        }
    }
}
