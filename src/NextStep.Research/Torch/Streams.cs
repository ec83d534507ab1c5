using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;

namespace NextStep.Research;

/// <summary>
/// Counter-based random streams: every draw is a pure function of (seed, named stream, step). There is no global
/// generator, so two arms of an ablation see the same draws and a resumed run needs no saved generator state.
/// </summary>
public static class Streams
{
    /// <summary>A torch CPU generator for <paramref name="name"/> at <paramref name="step"/>. The caller disposes it.</summary>
    public static torch.Generator For(long seed, string name, long step = 0) => new(Hash(seed, name, step), torch.CPU);

    /// <summary>A managed generator (SplitMix64) for the same address.</summary>
    public static SplitMix64 Managed(long seed, string name, long step = 0) => new(Hash(seed, name, step));

    /// <summary>The address as one number, stable over processes, machines and versions (XxHash3, 64 bit).</summary>
    public static ulong Hash(long seed, string name, long step)
    {
        byte[] text = Encoding.UTF8.GetBytes(name);
        Span<byte> key = stackalloc byte[16 + text.Length];
        MemoryMarshal.Write(key, in seed);
        MemoryMarshal.Write(key[8..], in step);
        text.CopyTo(key[16..]);
        return XxHash3.HashToUInt64(key);
    }
}

/// <summary>SplitMix64 (Steele, Lea and Flood 2014): a small generator whose draws are the same on every platform.</summary>
public sealed class SplitMix64(ulong state)
{
    private ulong _state = state;

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double NextDouble(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>Uniform in 0 … count−1, without modulo bias worth speaking of (multiply-shift).</summary>
    public int NextInt(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return (int)Math.BigMul(NextUInt64(), (ulong)count, out _);
    }

    /// <summary>A permutation of 0 … count−1 (Fisher–Yates).</summary>
    public int[] Permutation(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = count - 1; i > 0; i--)
        {
            int j = NextInt(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }
}
