using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Responses of filters that several detectors read, computed once for each set of pictures while one of these is open on the thread.</summary>
internal sealed class SharedResponses : IDisposable
{
    [ThreadStatic]
    private static SharedResponses? _open;

    private readonly Tensor _pictures;
    private readonly SharedResponses? _outer = _open;
    private readonly Dictionary<string, Tensor> _known = new(StringComparer.Ordinal);

    private SharedResponses(Tensor pictures) => _pictures = pictures;

    /// <summary>Shares what is computed of these very pictures, until it is disposed.</summary>
    public static SharedResponses Open(Tensor pictures) => _open = new SharedResponses(pictures);

    /// <summary>The response of that name to <paramref name="pictures"/>, in the caller's dispose scope; not to be written into.</summary>
    public static Tensor Of(Tensor pictures, string name, Func<Tensor> compute)
    {
        if (_open is not { } shared || !ReferenceEquals(shared._pictures, pictures))
        {
            return compute();
        }
        if (!shared._known.TryGetValue(name, out Tensor? known))
        {
            shared._known.Add(name, known = compute().DetachFromDisposeScope());
        }
        return known.alias();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _open = _outer;
        foreach (Tensor response in _known.Values)
        {
            response.Dispose();
        }
    }
}
