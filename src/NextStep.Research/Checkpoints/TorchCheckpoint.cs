using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// A file written by <c>torch.save</c> (a zip of one pickle and raw storages, torch 1.6 and later), read without executing anything.
/// Nested containers become dotted names; of a training checkpoint the weights inside its <c>state_dict</c> or <c>model</c> are taken, and, as <c>ema.</c>…, their running average.
/// Only tensors are kept; what lies beside them is named. Tensors that shared a storage when saved share memory when read.
/// </summary>
internal sealed class TorchCheckpoint : TensorSource
{
    private readonly MappedFile _file;
    private readonly Dictionary<string, TorchTensor> _tensors;
    private readonly HashSet<string> _verified = new(StringComparer.Ordinal);

    private TorchCheckpoint(MappedFile file)
    {
        _file = file;
        var contents = TorchArchive.Read(file);
        _tensors = contents.Tensors;
        Others = contents.Others;
        Entries = _tensors.ToDictionary(pair => pair.Key, pair => pair.Value.Entry, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public override string Path => _file.Path;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    /// <inheritdoc/>
    public override IReadOnlyList<string> Others { get; }

    /// <summary>Maps the file and reads the description of its tensors; no value is read.</summary>
    /// <exception cref="InvalidDataException">Damaged, compressed, or its pickle wants more than tensors; the message names the file and the fault.</exception>
    public static TorchCheckpoint Open(string path)
    {
        var file = new MappedFile(path);
        try
        {
            file.RefusePlaceholder();
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
        Find(name);
        var storage = _tensors[name].Storage;
        _file.Release(storage.Offset, storage.Packed);
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
        var stored = TensorDtypes.Find(entry.StoredType)!;
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
            return _file.Tensor(tensor.Storage.Offset, [.. entry.Shape], stored);
        }
        using var scope = NewDisposeScope();
        var storage = tensor.Storage.Deflated ? ZipUnpacking.Values(_file, tensor.Storage, stored) : _file.Tensor(tensor.Storage.Offset, [tensor.Storage.Length * 8 / stored.Bits], stored);
        var view = storage.as_strided([.. entry.Shape], tensor.View.Strides, tensor.First);
        view = tensor.View.Conjugated ? view.conj_physical() : view;
        return (tensor.View.Negated ? view.neg() : view).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _file.Dispose();
}
