using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Preallocated keys (after rotation) and values of every layer, [rows, key-value heads, capacity, head width].
/// The length is an explicit counter.
/// </summary>
public sealed class KeyValueCache : IDisposable
{
    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;

    /// <summary>Room for <paramref name="capacity"/> positions of <paramref name="rows"/> sequences.</summary>
    public KeyValueCache(TransformerConfig config, long rows, long capacity, ScalarType dtype, Device device)
        : this(config, rows, capacity, dtype, Enumerable.Repeat(device, config.Layers).ToArray())
    {
    }

    /// <summary>As above, each layer's part on its own device.</summary>
    public KeyValueCache(TransformerConfig config, long rows, long capacity, ScalarType dtype, IReadOnlyList<Device> layerDevices)
    {
        long[] shape = [rows, config.KeyValueHeads, capacity, config.HeadDim];
        _keys = [.. layerDevices.Select(d => zeros(shape, dtype, d).DetachFromDisposeScope())];
        _values = [.. layerDevices.Select(d => zeros(shape, dtype, d).DetachFromDisposeScope())];
        Capacity = capacity;
    }

    /// <summary>Positions stored so far.</summary>
    public long Length { get; private set; }

    /// <summary>Positions that fit.</summary>
    public long Capacity { get; }

    /// <summary>
    /// Stores the new positions of one layer behind <see cref="Length"/> and returns views of all keys and values up to them.
    /// <see cref="Advance"/> moves the counter once all layers have stored theirs.
    /// </summary>
    /// <exception cref="InvalidOperationException">The cache is full.</exception>
    public (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values)
    {
        long count = keys.size(2);
        if (Length + count > Capacity)
        {
            throw new InvalidOperationException($"The key-value cache holds {Capacity} positions; {Length} are used and {count} more were asked for.");
        }
        using (Tensor slot = _keys[layer].narrow(2, Length, count))
        {
            slot.copy_(keys);
        }
        using (Tensor slot = _values[layer].narrow(2, Length, count))
        {
            slot.copy_(values);
        }
        return (_keys[layer].narrow(2, 0, Length + count), _values[layer].narrow(2, 0, Length + count));
    }

    /// <summary>Counts <paramref name="positions"/> as stored.</summary>
    public void Advance(long positions) => Length += positions;

    /// <summary>Views of what one layer holds.</summary>
    public (Tensor Keys, Tensor Values) Layer(int layer) => (_keys[layer].narrow(2, 0, Length), _values[layer].narrow(2, 0, Length));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in _keys.Concat(_values))
        {
            tensor.Dispose();
        }
    }
}
