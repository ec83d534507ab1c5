using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Tensors of one or several sources under names of its own; two names may stand for one tensor.</summary>
internal sealed class SelectedSource : TensorSource
{
    private readonly IReadOnlyDictionary<string, (TensorSource Source, string Stored)> _where;
    private readonly TensorSource[] _owned;

    /// <summary>Owns <paramref name="owned"/>, the first of which it is called after.</summary>
    public SelectedSource(IReadOnlyDictionary<string, (TensorSource Source, string Stored)> where, params TensorSource[] owned)
    {
        (_where, _owned) = (where, owned);
        Entries = where.ToDictionary(pair => pair.Key, pair => pair.Value.Source.Entries[pair.Value.Stored] with { Name = pair.Key }, StringComparer.Ordinal);
    }

    public override string Path => _owned[0].Path;

    public override IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    public override IReadOnlyDictionary<string, string> Metadata => _owned[0].Metadata;

    public override IReadOnlyList<string> Others => _owned[0].Others;

    public override Tensor Read(string name)
    {
        Find(name);
        var (source, stored) = _where[name];
        return source.Read(stored);
    }

    internal override Tensor ReadInto(WeightMemory memory, string name, ScalarType? dtype)
    {
        Find(name);
        var (source, stored) = _where[name];
        return source.ReadInto(memory, stored, dtype);
    }

    public override void Release(string name)
    {
        Find(name);
        var (source, stored) = _where[name];
        source.Release(stored);
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var source in _owned)
        {
            source.Dispose();
        }
    }
}
