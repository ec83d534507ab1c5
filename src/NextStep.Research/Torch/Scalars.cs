using System.Collections.Concurrent;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Arithmetic of tensors and numbers, and the one place that makes a <see cref="Scalar"/>. TorchSharp turns a number into a Scalar
/// whose native memory a finalizer may free while the native call still reads it: <c>x * 0.5f</c>, <c>x + 1</c>, and <c>x + y</c> too,
/// which multiplies y by a hidden 1. The Scalars made here outlive the call, so write
/// <c>x.Times(0.5f)</c>, <c>x.Plus(1)</c>, <c>x.Plus(y)</c>, and <c>x.clamp(Scalars.Of(-1), Scalars.Of(1))</c> for everything else.
/// </summary>
/// <remarks>
/// A whole number stays whole and a fraction is a double, as torch would take them; dtypes follow torch's promotion. What differs from
/// step to step, a learning rate for instance, belongs into a tensor.
/// </remarks>
public static class Scalars
{
    // About 100 bytes each; arithmetic with more different numbers than these makes and frees its own.
    private const int Most = 4096;

    private static readonly ConcurrentDictionary<long, Scalar> Whole = new();
    private static readonly ConcurrentDictionary<long, Scalar> Fractions = new();
    private static readonly Scalar One = First();
    private static int _kept;

    /// <summary>A number that lives until the program ends, the same object for the same number: for constants and settings.</summary>
    public static Scalar Of(double number)
    {
        long bits = BitConverter.DoubleToInt64Bits(number);
        return Fractions.TryGetValue(bits, out Scalar? known) ? known : Keep(Fractions, bits, number);
    }

    /// <inheritdoc cref="Of(double)"/>
    public static Scalar Of(long number) => Whole.TryGetValue(number, out Scalar? known) ? known : Keep(Whole, number, number);

    /// <summary>x + y, broadcast.</summary>
    public static Tensor Plus(this Tensor x, Tensor y) => x.add(y, One);

    /// <summary>x + number.</summary>
    public static Tensor Plus(this Tensor x, double number) => With(x, number, static (x, n) => x.add(n, One));

    /// <inheritdoc cref="Plus(Tensor, double)"/>
    public static Tensor Plus(this Tensor x, long number) => With(x, number, static (x, n) => x.add(n, One));

    /// <summary>x + y, written into x, which is returned.</summary>
    public static Tensor PlusInPlace(this Tensor x, Tensor y) => x.add_(y, One);

    /// <summary>x + number, written into x, which is returned.</summary>
    public static Tensor PlusInPlace(this Tensor x, double number) => With(x, number, static (x, n) => x.add_(n, One));

    /// <inheritdoc cref="PlusInPlace(Tensor, double)"/>
    public static Tensor PlusInPlace(this Tensor x, long number) => With(x, number, static (x, n) => x.add_(n, One));

    /// <summary>x − number.</summary>
    public static Tensor Minus(this Tensor x, double number) => With(x, number, static (x, n) => x.sub(n));

    /// <inheritdoc cref="Minus(Tensor, double)"/>
    public static Tensor Minus(this Tensor x, long number) => With(x, number, static (x, n) => x.sub(n));

    /// <summary>x − number, written into x, which is returned.</summary>
    public static Tensor MinusInPlace(this Tensor x, double number) => With(x, number, static (x, n) => x.sub_(n));

    /// <inheritdoc cref="MinusInPlace(Tensor, double)"/>
    public static Tensor MinusInPlace(this Tensor x, long number) => With(x, number, static (x, n) => x.sub_(n));

    /// <summary>x · number.</summary>
    public static Tensor Times(this Tensor x, double number) => With(x, number, static (x, n) => x.mul(n));

    /// <inheritdoc cref="Times(Tensor, double)"/>
    public static Tensor Times(this Tensor x, long number) => With(x, number, static (x, n) => x.mul(n));

    /// <summary>x · number, written into x, which is returned.</summary>
    public static Tensor TimesInPlace(this Tensor x, double number) => With(x, number, static (x, n) => x.mul_(n));

    /// <inheritdoc cref="TimesInPlace(Tensor, double)"/>
    public static Tensor TimesInPlace(this Tensor x, long number) => With(x, number, static (x, n) => x.mul_(n));

    /// <summary>x / number; whole tensors become float32.</summary>
    public static Tensor Over(this Tensor x, double number) => With(x, number, static (x, n) => x.div(n));

    /// <inheritdoc cref="Over(Tensor, double)"/>
    public static Tensor Over(this Tensor x, long number) => With(x, number, static (x, n) => x.div(n));

    /// <summary>x / number, written into x, which is returned.</summary>
    public static Tensor OverInPlace(this Tensor x, double number) => With(x, number, static (x, n) => x.div_(n));

    /// <inheritdoc cref="OverInPlace(Tensor, double)"/>
    public static Tensor OverInPlace(this Tensor x, long number) => With(x, number, static (x, n) => x.div_(n));

    /// <summary>x², element by element.</summary>
    public static Tensor Squared(this Tensor x) => x.pow(Of(2));

    /// <summary>0 … count − 1 as a vector.</summary>
    /// <param name="count">Elements.</param>
    /// <param name="dtype">int64 by default.</param>
    /// <param name="device">The CPU by default.</param>
    public static Tensor Range(long count, ScalarType? dtype = null, Device? device = null) => Range(0, count, 1, dtype, device);

    /// <summary>start, start + step, … before <paramref name="stop"/>, as a vector.</summary>
    /// <param name="start">First element.</param>
    /// <param name="stop">Never reached.</param>
    /// <param name="step">Not zero.</param>
    /// <param name="dtype">int64 by default.</param>
    /// <param name="device">The CPU by default.</param>
    public static Tensor Range(long start, long stop, long step = 1, ScalarType? dtype = null, Device? device = null)
    {
        using Scalar end = stop;
        using Scalar begin = start;
        return arange(begin, end, Of(step), dtype ?? ScalarType.Int64, device);
    }

    private static Tensor With(Tensor x, double number, Func<Tensor, Scalar, Tensor> use)
    {
        if (Volatile.Read(ref _kept) < Most || Fractions.ContainsKey(BitConverter.DoubleToInt64Bits(number)))
        {
            return use(x, Of(number));
        }
        using Scalar mine = number;
        return use(x, mine);
    }

    private static Tensor With(Tensor x, long number, Func<Tensor, Scalar, Tensor> use)
    {
        if (Volatile.Read(ref _kept) < Most || Whole.ContainsKey(number))
        {
            return use(x, Of(number));
        }
        using Scalar mine = number;
        return use(x, mine);
    }

    // What computes with torch here comes by this class first, so the products are settled before the first of them.
    private static Scalar First()
    {
        MatrixProducts.Settle();
        return Of(1);
    }

    private static Scalar Keep(ConcurrentDictionary<long, Scalar> numbers, long key, Scalar made)
    {
        Interlocked.Increment(ref _kept);
        return numbers.GetOrAdd(key, made);
    }
}
