using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Room for the keys or the values of one layer, [rows, key-value heads, capacity, head width].</summary>
internal abstract class CacheSlots : IDisposable
{
    /// <summary>Where they lie.</summary>
    public abstract Device Device { get; }

    /// <summary>Stores positions.</summary>
    /// <param name="start">The first of them.</param>
    /// <param name="x">[rows, heads, count, width].</param>
    public abstract void Write(long start, Tensor x);

    /// <summary>What the first <paramref name="length"/> positions hold, [rows, heads, length, width]: a view, or a tensor of its own.</summary>
    public abstract Tensor Read(long length);

    /// <summary>Takes over positions of others of the same kind: their row <paramref name="rows"/>[i] becomes row i.</summary>
    public abstract void Take(CacheSlots other, long length, Tensor rows);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>An empty room.</summary>
    /// <param name="shape">[rows, heads, capacity, width].</param>
    /// <param name="dtype">Of what is stored and read.</param>
    /// <param name="bits">8, or null = as they come.</param>
    /// <param name="device">Where.</param>
    public static CacheSlots Of(long[] shape, ScalarType dtype, int? bits, Device device) => bits is null ? new PlainSlots(shape, dtype, device) : new ByteSlots(shape, dtype, device);
}

/// <summary>Numbers as they come.</summary>
internal sealed class PlainSlots(long[] shape, ScalarType dtype, Device device) : CacheSlots
{
    private readonly Tensor _all = zeros(shape, dtype, device).DetachFromDisposeScope();

    public override Device Device => _all.device;

    public override void Write(long start, Tensor x)
    {
        using Tensor slot = _all.narrow(2, start, x.size(2));
        slot.copy_(x);
    }

    public override Tensor Read(long length) => _all.narrow(2, 0, length);

    public override void Take(CacheSlots other, long length, Tensor rows)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor theirs = other.Read(length);
        _all.narrow(2, 0, length).copy_(theirs.index_select(0, rows.to(theirs.device)));
    }

    public override void Dispose() => _all.Dispose();
}

/// <summary>Bytes in [−127, 127], and for every position of a head one float32 that they are multiplied by: the largest number of the position is kept, the others are off by at most a 254th of it.</summary>
internal sealed class ByteSlots(long[] shape, ScalarType dtype, Device device) : CacheSlots
{
    private const double Largest = 127;

    /// <summary>int8 [rows, heads, capacity, width].</summary>
    public Tensor Codes { get; } = zeros(shape, ScalarType.Int8, device).DetachFromDisposeScope();

    /// <summary>float32 [rows, heads, capacity, 1].</summary>
    public Tensor Scales { get; } = zeros([.. shape[..^1], 1], ScalarType.Float32, device).DetachFromDisposeScope();

    public override Device Device => Codes.device;

    public override void Write(long start, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor wide = x.to_type(ScalarType.Float32), scale = wide.abs().amax([-1], keepdim: true).Over(Largest);
        Tensor divisor = scale.masked_fill(scale.eq(Scalars.Of(0)), Scalars.Of(1)); // nothing but zeros
        Codes.narrow(2, start, x.size(2)).copy_(wide.div(divisor).round());
        Scales.narrow(2, start, x.size(2)).copy_(scale);
    }

    public override Tensor Read(long length)
    {
        using DisposeScope scope = NewDisposeScope();
        return Codes.narrow(2, 0, length).to_type(ScalarType.Float32).mul_(Scales.narrow(2, 0, length)).to_type(dtype).alias().MoveToOuterDisposeScope();
    }

    public override void Take(CacheSlots other, long length, Tensor rows)
    {
        using DisposeScope scope = NewDisposeScope();
        ByteSlots theirs = (ByteSlots)other;
        Tensor at = rows.to(theirs.Device);
        Codes.narrow(2, 0, length).copy_(theirs.Codes.narrow(2, 0, length).index_select(0, at));
        Scales.narrow(2, 0, length).copy_(theirs.Scales.narrow(2, 0, length).index_select(0, at));
    }

    public override void Dispose()
    {
        Codes.Dispose();
        Scales.Dispose();
    }
}
