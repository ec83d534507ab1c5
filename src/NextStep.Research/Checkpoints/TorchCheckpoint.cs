using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// A file written by <c>torch.save</c> (a zip of one pickle and raw storages, torch 1.6 and later), read without executing anything.
/// Nested containers become dotted names; the weights inside a training checkpoint's <c>state_dict</c> or <c>model</c> are taken alone.
/// Only tensors are kept. Tensors that shared a storage when saved share memory when read.
/// </summary>
public sealed class TorchCheckpoint : TensorSource
{
    private readonly MappedFile _file;
    private readonly Dictionary<string, TorchTensor> _tensors;
    private readonly HashSet<string> _verified = new(StringComparer.Ordinal);

    private TorchCheckpoint(MappedFile file)
    {
        _file = file;
        _tensors = TorchArchive.Read(file);
        Entries = _tensors.ToDictionary(pair => pair.Key, pair => pair.Value.Entry, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public override string Path => _file.Path;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    /// <summary>Maps the file and reads the description of its tensors; no value is read.</summary>
    /// <exception cref="InvalidDataException">Damaged, compressed, or its pickle wants more than tensors; the message names the file and the fault.</exception>
    public static TorchCheckpoint Open(string path)
    {
        var file = new MappedFile(path);
        try
        {
            return new TorchCheckpoint(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Release(string name)
    {
        var entry = Find(name);
        _file.Release(entry.Offset, entry.ByteLength);
    }

    /// <summary>All tensors of the file, owned by the caller.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>, or a storage's checksum is wrong.</exception>
    public static IReadOnlyDictionary<string, Tensor> ReadAll(string path)
    {
        using var file = Open(path);
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        try
        {
            foreach (var name in file.Entries.Keys)
            {
                tensors.Add(name, file.Read(name));
            }
            return tensors;
        }
        catch
        {
            foreach (var tensor in tensors.Values)
            {
                tensor.Dispose();
            }
            throw;
        }
    }

    /// <summary>Writes tensors as <c>torch.load(path, weights_only=True)</c> accepts them: one dictionary, each tensor with a storage of its own, row-major.</summary>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        TorchArchiveWriter.Write(path, OutgoingTensor.From(tensors));
    }

    /// <inheritdoc/>
    public override Tensor Read(string name)
    {
        var entry = Find(name);
        var tensor = _tensors[name];
        if (entry.Type is not { } type)
        {
            throw new InvalidDataException($"{Path}: tensor '{name}' is stored as {entry.StoredType}, which TorchSharp has no dtype for.");
        }
        if (_verified.Add(tensor.Storage.Name))
        {
            try
            {
                ZipDirectory.Verify(_file, tensor.Storage);
            }
            catch
            {
                _verified.Remove(tensor.Storage.Name);
                throw;
            }
        }
        if (entry.Count == 0)
        {
            return empty([.. entry.Shape], dtype: type);
        }
        using var storage = _file.Tensor(tensor.Storage.Offset, [tensor.Storage.Length / TensorDtypes.Width(type)], type);
        return storage.as_strided([.. entry.Shape], tensor.Strides, tensor.First);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _file.Dispose();
}
