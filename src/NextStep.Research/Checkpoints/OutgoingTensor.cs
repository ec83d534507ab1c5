using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>A tensor to be written, opened when its turn comes and disposed after.</summary>
internal sealed record OutgoingTensor(string Name, ScalarType Type, long[] Shape, Func<Tensor> Open)
{
    /// <summary>Called when it is written: gives back what reading it took.</summary>
    public Action? Written { get; init; }

    public long ByteLength => checked(TensorDtypes.Product(Shape)!.Value * TensorDtypes.Width(Type));

    public static IEnumerable<OutgoingTensor> From(IReadOnlyDictionary<string, Tensor> tensors) =>
        tensors.Select(pair => new OutgoingTensor(pair.Key, pair.Value.dtype, pair.Value.shape, pair.Value.detach));

    /// <summary>The tensors of a source; floating-point ones cast to <paramref name="dtype"/> where it is given.</summary>
    /// <exception cref="InvalidDataException">A tensor has a dtype that cannot be read.</exception>
    public static IEnumerable<OutgoingTensor> From(TensorSource source, ScalarType? dtype) => source.Entries.Values.Select(entry =>
    {
        var stored = entry.Type ?? throw new InvalidDataException($"{source.Path}: tensor '{entry.Name}' is stored as {entry.StoredType}, a dtype that this kit does not know.");
        var type = stored is ScalarType.Float64 or ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16 ? dtype ?? stored : stored;
        return new OutgoingTensor(entry.Name, type, [.. entry.Shape], () => source.Read(entry.Name, type)) { Written = () => source.Release(entry.Name) };
    });

    public void WriteTo(ByteSink sink)
    {
        using (NewDisposeScope())
        {
            using var tensor = Open();
            TensorMemory.ForEachPiece(tensor, sink);
        }
        Written?.Invoke();
    }
}
