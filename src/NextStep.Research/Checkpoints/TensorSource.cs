using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Named tensors on disk: a safetensors file, a folder of shards, a torch <c>.pt</c> file, or llama.cpp's <c>.gguf</c>.
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

    /// <summary>What lies beside the tensors and is not read, with its class where it has one; empty for formats that hold nothing else.</summary>
    public virtual IReadOnlyList<string> Others => [];

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

    /// <summary>The tensor <paramref name="name"/> in memory of its own, cast and moved; what the file's map took to read it is given back.</summary>
    public Tensor ReadCopy(string name, ScalarType? dtype, Device? device = null)
    {
        using var stored = Read(name);
        var target = device ?? CPU;
        var type = dtype ?? stored.dtype;
        var copy = type == stored.dtype && target.type == DeviceType.CPU ? stored.clone() : stored.to(type, target);
        Release(name);
        return copy;
    }

    /// <summary>The tensor <paramref name="name"/>, cast, in <paramref name="memory"/>, on the CPU. A source whose values lie in a file as they are reads them there at once.</summary>
    internal virtual Tensor ReadInto(WeightMemory memory, string name, ScalarType? dtype)
    {
        using var read = Read(name, dtype);
        var copy = memory.Copy(read);
        Release(name);
        return copy;
    }

    /// <summary>Says that the bytes of <paramref name="name"/> are not needed for now.</summary>
    public abstract void Release(string name);

    /// <summary>
    /// Opens a <c>.safetensors</c> file, a torch archive (<c>.pt</c>, <c>.pth</c>, <c>.bin</c>, <c>.ckpt</c>), a <c>.gguf</c> file, an index of shards, or a folder that holds weights:
    /// an index, else <c>model.safetensors</c> or the only safetensors file, else <c>checkpoint.pt</c> or the only torch file. Everything in it is listed, a running average of the
    /// weights too; <see cref="AverageWeights"/> chooses.
    /// </summary>
    /// <exception cref="FileNotFoundException">Nothing there, or no weights in the folder.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or of another kind; the message names it.</exception>
    public static TensorSource OpenAny(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var file = Directory.Exists(path) ? WeightFiles.Find(path).Main : path;
        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"{path}: no such file or folder.", path);
        }
        return file.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase) ? ShardedCheckpoint.Open(file)
            : System.IO.Path.GetExtension(file).ToUpperInvariant() switch
            {
                ".SAFETENSORS" => SafetensorsFile.Open(file),
                ".GGUF" => GgufFile.Open(file),
                ".PT" or ".PTH" or ".BIN" or ".CKPT" => TorchCheckpoint.Open(file),
                _ => throw new InvalidDataException($"{file}: weights are read from .safetensors, .safetensors.index.json, .pt, .pth, .bin, .ckpt and .gguf files."),
            };
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
