using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Another source under other names and, where sizes of one come and go, other shapes.</summary>
internal sealed class RenamedSource : TensorSource
{
    private readonly TensorSource _inner;
    private readonly Dictionary<string, string> _stored = new(StringComparer.Ordinal);

    /// <summary>Owns <paramref name="inner"/>.</summary>
    /// <exception cref="InvalidDataException">Two tensors would get one name.</exception>
    public RenamedSource(TensorSource inner, Func<TensorEntry, (string Name, IReadOnlyList<long> Shape)> rename)
    {
        _inner = inner;
        var entries = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        foreach (var (stored, entry) in inner.Entries)
        {
            var (name, shape) = rename(entry);
            if (!entries.TryAdd(name, entry with { Name = name, Shape = shape }))
            {
                throw new InvalidDataException($"{inner.Path}: '{stored}' and '{_stored[name]}' are both called '{name}' in the other layout.");
            }
            _stored.Add(name, stored);
        }
        Entries = entries;
    }

    public override string Path => _inner.Path;

    public override IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    public override IReadOnlyDictionary<string, string> Metadata => _inner.Metadata;

    public override Tensor Read(string name)
    {
        var entry = Find(name);
        var tensor = _inner.Read(_stored[name]);
        if (tensor.shape.AsSpan().SequenceEqual([.. entry.Shape]))
        {
            return tensor;
        }
        using (tensor)
        {
            return tensor.reshape([.. entry.Shape]);
        }
    }

    public override void Release(string name) => _inner.Release(_stored[name]);

    protected override void Dispose(bool disposing) => _inner.Dispose();
}
