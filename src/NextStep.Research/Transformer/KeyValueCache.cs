using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Preallocated keys (after rotation) and values of every layer, [rows, key-value heads, capacity, head width], as they come or in 8 bits
/// each. The length is an explicit counter.
/// </summary>
public sealed class KeyValueCache : IDisposable
{
    /// <summary>Bits of a number that is not kept as it comes.</summary>
    internal const int ByteBits = 8;

    private readonly CacheSlots[] _keys;
    private readonly CacheSlots[] _values;
    private readonly TransformerConfig _config;
    private readonly ScalarType _dtype;
    private readonly int? _bits;
    private RotaryAngles? _angles;

    /// <summary>Room for <paramref name="capacity"/> positions of <paramref name="rows"/> sequences.</summary>
    public KeyValueCache(TransformerConfig config, long rows, long capacity, ScalarType dtype, Device device, int? bits = null)
        : this(config, rows, capacity, dtype, Enumerable.Repeat(device, config.Layers).ToArray(), bits)
    {
    }

    /// <summary>As above, each layer's part on its own device.</summary>
    /// <param name="config">Of the transformer.</param>
    /// <param name="rows">Sequences.</param>
    /// <param name="capacity">Positions of each.</param>
    /// <param name="dtype">Of what is read from it.</param>
    /// <param name="layerDevices">One for each layer.</param>
    /// <param name="bits">8: signed bytes, a float32 factor for each position of a head; a number is off by at most a 254th of the largest of its position. Null: as they come.</param>
    /// <exception cref="ArgumentOutOfRangeException">Of other bits.</exception>
    public KeyValueCache(TransformerConfig config, long rows, long capacity, ScalarType dtype, IReadOnlyList<Device> layerDevices, int? bits = null)
    {
        if (bits is not (null or ByteBits))
        {
            throw new ArgumentOutOfRangeException(nameof(bits), bits, "Keys and values are kept in 8 bits, or as they come (null).");
        }
        (_config, _dtype, _bits) = (config, dtype, bits);
        long[] shape = [rows, config.KeyValueHeads, capacity, config.HeadDim];
        _keys = [.. layerDevices.Select(d => CacheSlots.Of(shape, dtype, bits, d))];
        _values = [.. layerDevices.Select(d => CacheSlots.Of(shape, dtype, bits, d))];
        Capacity = capacity;
    }

    /// <summary>Number format in which a transformer's keys and values are read: a CPU attends faster in float32 than in bfloat16, and the cache is small beside the weights.</summary>
    internal static ScalarType DtypeOf(CausalTransformer transformer) => DtypeOf(transformer.Dtype, transformer.LayerDevices[0]);

    /// <summary>Bytes of a number of the cache; in 8 bits with its share of the position's factor.</summary>
    internal static double Width(TransformerConfig config, ScalarType dtype, Device device, int? bits) => bits is null ? TensorDtypes.Width(DtypeOf(dtype, device)) : 1 + (sizeof(float) / (double)config.HeadDim);

    private static ScalarType DtypeOf(ScalarType dtype, Device device) => dtype == ScalarType.Float64 || device.type != DeviceType.CPU ? dtype : ScalarType.Float32;

    /// <summary>Of keys and values as they are read.</summary>
    public ScalarType Dtype => _dtype;

    /// <summary>Positions stored so far.</summary>
    public long Length { get; private set; }

    /// <summary>Positions that fit.</summary>
    public long Capacity { get; }

    /// <summary>
    /// Stores the new positions of one layer behind <see cref="Length"/> and returns all keys and values up to them, views where they are kept as they come.
    /// <see cref="Advance"/> moves the counter once all layers have stored theirs.
    /// </summary>
    /// <exception cref="InvalidOperationException">The cache is full.</exception>
    public (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values)
    {
        Store(layer, keys, values);
        long length = Length + keys.size(2);
        return (_keys[layer].Read(length), _values[layer].Read(length));
    }

    /// <summary>As <see cref="Append"/>, but what is kept in 8 bits is returned so; null, and nothing stored, where <see cref="ByteAttention"/> does not serve.</summary>
    internal (ByteSlots Keys, ByteSlots Values)? AppendBytes(int layer, Tensor keys, Tensor values)
    {
        if (_keys[layer] is not ByteSlots k || _values[layer] is not ByteSlots v || k.Device.type != DeviceType.CPU || _dtype != ScalarType.Float32 || _config.HeadDim % ByteAttention.Lanes != 0)
        {
            return null;
        }
        Store(layer, keys, values);
        return (k, v);
    }

    private void Store(int layer, Tensor keys, Tensor values)
    {
        CheckRoom(Length, keys.size(2));
        _keys[layer].Write(Length, keys);
        _values[layer].Write(Length, values);
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

    /// <summary>What one layer holds; views where it is kept as it came.</summary>
    public (Tensor Keys, Tensor Values) Layer(int layer) => (_keys[layer].Read(Length), _values[layer].Read(Length));

    /// <summary>An empty cache of the same layers for other rows.</summary>
    public KeyValueCache Sibling(long rows, long capacity) => new(_config, rows, capacity, _dtype, [.. _keys.Select(k => k.Device)], _bits);

    /// <summary>Takes over what <paramref name="other"/> holds: row i becomes its row <paramref name="rows"/>[i].</summary>
    /// <param name="other">Of the same layers and bits; at most as long as this one.</param>
    /// <param name="rows">int64 [rows of this cache].</param>
    public void Take(KeyValueCache other, Tensor rows)
    {
        for (int layer = 0; layer < _keys.Length; layer++)
        {
            _keys[layer].Take(other._keys[layer], other.Length, rows);
            _values[layer].Take(other._values[layer], other.Length, rows);
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
        foreach (CacheSlots slots in _keys.Concat(_values))
        {
            slots.Dispose();
        }
    }
}
