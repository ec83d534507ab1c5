using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Named tensors on disk: a safetensors file, a folder of shards, or a torch <c>.pt</c> file.
/// Names, shapes and dtypes are known at once; values are read one tensor at a time, from a memory map.
/// </summary>
public abstract class TensorSource : IDisposable
{
    /// <summary>The file or folder.</summary>
    public abstract string Path { get; }

    /// <summary>Every tensor by name.</summary>
    public abstract IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <summary>Free text beside the tensors; empty where the format has none.</summary>
    public abstract IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>
    /// The tensor <paramref name="name"/>, on the CPU in its stored dtype. Where alignment allows it is a view of the mapped file, and the map
    /// lives until the last such tensor is disposed. Writing into it changes neither the file nor what others see.
    /// </summary>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    /// <exception cref="InvalidDataException">The dtype is not one that torch can hold here, or the values are not what they claim.</exception>
    public abstract Tensor Read(string name);

    /// <summary>As <see cref="Read(string)"/>, cast and moved straight from the mapped file.</summary>
    public Tensor Read(string name, ScalarType? dtype, Device? device = null)
    {
        var stored = Read(name);
        var target = device ?? CPU;
        var type = dtype ?? stored.dtype;
        if (type == stored.dtype && target.type == DeviceType.CPU)
        {
            return stored;
        }
        using (stored)
        {
            return stored.to(type, target);
        }
    }

    /// <summary>Closes the file; tensors that were read stay valid.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes what a source holds open.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>The entry of <paramref name="name"/>, or an error that names the file.</summary>
    private protected TensorEntry Find(string name) =>
        Entries.TryGetValue(name, out var entry) ? entry : throw new KeyNotFoundException($"{Path} has no tensor named '{name}'.");
}
