using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Sequences of mixed lengths laid end to end in fewer rows for the transformer, so that no padding is computed. Each sees only itself
/// and has its own positions from 0; what is packed and unpacked again is what the padded rows would have given, to rounding.
/// </summary>
public sealed class SequencePacking
{
    private readonly Tensor _gather;
    private readonly Tensor _scatter;
    private readonly long _batch;
    private readonly long _length;
    private readonly long _rows;
    private readonly long _room;

    private SequencePacking(int[] lengths, long padded, Device device)
    {
        (_batch, _length) = (lengths.Length, padded);
        List<List<int>> rows = Fill(lengths, padded);
        (_rows, _room) = (rows.Count, rows.Max(r => r.Sum(s => lengths[s])));
        long[] gather = new long[_rows * _room], scatter = new long[_batch * padded], positions = new long[gather.Length], segments = new long[gather.Length];
        Array.Fill(segments, -1);
        for (int row = 0; row < rows.Count; row++)
        {
            long at = row * _room;
            foreach (int sequence in rows[row])
            {
                for (int i = 0; i < lengths[sequence]; i++, at++)
                {
                    (gather[at], scatter[(sequence * padded) + i], positions[at], segments[at]) = ((sequence * padded) + i, at, i, sequence);
                }
            }
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor segment = tensor(segments, [_rows, _room]).to(device), order = Scalars.Range(_room, dtype: ScalarType.Int64, device: device);
        Tensor same = segment.unsqueeze(2).eq(segment.unsqueeze(1)), past = order.unsqueeze(0).le(order.unsqueeze(1));
        Mask = same.logical_and(past).unsqueeze(1).MoveToOuterDisposeScope();
        Positions = tensor(positions, [_rows, _room]).to(device).MoveToOuterDisposeScope();
        _gather = tensor(gather).to(device).MoveToOuterDisposeScope();
        _scatter = tensor(scatter).to(device).MoveToOuterDisposeScope();
    }

    /// <summary>Bool [rows, 1, room, room]: the same sequence, and not in the future.</summary>
    public Tensor Mask { get; }

    /// <summary>int64 [rows, room], from 0 in every sequence.</summary>
    public Tensor Positions { get; }

    /// <summary>Positions computed, padding included, over those of the padded batch.</summary>
    public double Share => (double)(_rows * _room) / (_batch * _length);

    /// <summary>Of a batch padded on the right; its tensors join the current dispose scope.</summary>
    /// <param name="ids">int64 [batch, positions].</param>
    /// <param name="pad">The padding id.</param>
    public static SequencePacking Of(Tensor ids, int pad)
    {
        using Tensor local = ids.cpu();
        long[] flat = [.. local.data<long>()];
        long length = ids.size(1);
        int[] lengths = [.. Enumerable.Range(0, (int)ids.size(0)).Select(row => 1 + Array.FindLastIndex(flat, (int)((row + 1) * length) - 1, (int)length, id => id != pad) - (int)(row * length))];
        return new SequencePacking([.. lengths.Select(l => Math.Max(1, l))], length, ids.device);
    }

    /// <summary>[batch, positions, H] to [rows, room, H].</summary>
    public Tensor Pack(Tensor padded) => padded.flatten(0, 1).index_select(0, _gather).view(_rows, _room, -1);

    /// <summary>[rows, room, H] to [batch, positions, H]; padding holds anything.</summary>
    public Tensor Unpack(Tensor packed) => packed.flatten(0, 1).index_select(0, _scatter).view(_batch, _length, -1);

    // First fit, longest first; rows are as long as the padded ones, so one sequence always fits.
    private static List<List<int>> Fill(int[] lengths, long room)
    {
        List<List<int>> rows = [];
        List<long> free = [];
        foreach (int sequence in Enumerable.Range(0, lengths.Length).OrderByDescending(i => lengths[i]))
        {
            int row = free.FindIndex(f => f >= lengths[sequence]);
            if (row < 0)
            {
                row = rows.Count;
                rows.Add([]);
                free.Add(room);
            }
            rows[row].Add(sequence);
            free[row] -= lengths[sequence];
        }
        return rows;
    }
}
