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
    private readonly TransformerConfig _config;
    private readonly ScalarType _dtype;
    private RotaryAngles? _angles;

    /// <summary>Room for <paramref name="capacity"/> positions of <paramref name="rows"/> sequences.</summary>
    public KeyValueCache(TransformerConfig config, long rows, long capacity, ScalarType dtype, Device device)
        : this(config, rows, capacity, dtype, Enumerable.Repeat(device, config.Layers).ToArray())
    {
    }

    /// <summary>As above, each layer's part on its own device.</summary>
    public KeyValueCache(TransformerConfig config, long rows, long capacity, ScalarType dtype, IReadOnlyList<Device> layerDevices)
    {
        (_config, _dtype) = (config, dtype);
        long[] shape = [rows, config.KeyValueHeads, capacity, config.HeadDim];
        _keys = [.. layerDevices.Select(d => zeros(shape, dtype, d).DetachFromDisposeScope())];
        _values = [.. layerDevices.Select(d => zeros(shape, dtype, d).DetachFromDisposeScope())];
        Capacity = capacity;
    }

    /// <summary>Of keys and values.</summary>
    public ScalarType Dtype => _dtype;

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
        CheckRoom(Length, count);
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

    /// <summary>Forgets what lies behind the first <paramref name="length"/> positions.</summary>
    /// <exception cref="ArgumentOutOfRangeException">So many are not stored.</exception>
    public void Cut(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
    }

    /// <summary>Views of what one layer holds.</summary>
    public (Tensor Keys, Tensor Values) Layer(int layer) => (_keys[layer].narrow(2, 0, Length), _values[layer].narrow(2, 0, Length));

    /// <summary>An empty cache of the same layers for other rows.</summary>
    public KeyValueCache Sibling(long rows, long capacity) => new(_config, rows, capacity, _dtype, [.. _keys.Select(k => k.device)]);

    /// <summary>Takes over what <paramref name="other"/> holds: row i becomes its row <paramref name="rows"/>[i].</summary>
    /// <param name="other">Of the same layers; at most as long as this one.</param>
    /// <param name="rows">int64 [rows of this cache].</param>
    public void Take(KeyValueCache other, Tensor rows)
    {
        for (int layer = 0; layer < _keys.Length; layer++)
        {
            using DisposeScope scope = NewDisposeScope();
            (Tensor keys, Tensor values) = other.Layer(layer);
            Tensor at = rows.to(keys.device);
            _keys[layer].narrow(2, 0, other.Length).copy_(keys.index_select(0, at));
            _values[layer].narrow(2, 0, other.Length).copy_(values.index_select(0, at));
        }
        Length = other.Length;
    }

    /// <summary>Rotary angles of positions behind the cache; the whole table is made once.</summary>
    internal RotaryAngles Angles(long start, long count, ScalarType dtype, Device device)
    {
        CheckRoom(start, count);
        if (_angles is null || _angles.Cosine.dtype != dtype)
        {
            _angles?.Cosine.Dispose();
            _angles?.Sine.Dispose();
            using DisposeScope scope = NewDisposeScope();
            RotaryAngles all = RotaryAngles.At(Scalars.Range(Capacity, dtype: ScalarType.Int64, device: device), _config.HeadDim, _config.RopeTheta, dtype);
            _angles = new RotaryAngles(all.Cosine.DetachFromDisposeScope(), all.Sine.DetachFromDisposeScope());
        }
        return new RotaryAngles(_angles.Cosine.narrow(2, start, count), _angles.Sine.narrow(2, start, count));
    }

    private void CheckRoom(long used, long count)
    {
        if (used + count > Capacity)
        {
            throw new InvalidOperationException($"The key-value cache holds {Capacity} positions; {used} are used and {count} more were asked for.");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _angles?.Cosine.Dispose();
        _angles?.Sine.Dispose();
        foreach (Tensor tensor in _keys.Concat(_values))
        {
            tensor.Dispose();
        }
    }
}
