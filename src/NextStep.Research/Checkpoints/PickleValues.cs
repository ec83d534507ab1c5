namespace NextStep.Research;

/// <summary>A dictionary as a pickle builds it, in order.</summary>
internal sealed class PickledDictionary
{
    public List<(object? Key, object? Value)> Items { get; } = [];
}

/// <summary>A list or set.</summary>
internal sealed class PickledList
{
    public List<object?> Items { get; } = [];
}

/// <summary>A tuple.</summary>
internal sealed record PickledTuple(object?[] Items);

/// <summary>The name of a Python object; naming one does nothing.</summary>
internal sealed record PickledName(string Module, string Name)
{
    public override string ToString() => $"{Module}.{Name}";
}

/// <summary>A storage by reference: <paramref name="Key"/> names the member <c>data/Key</c> of the archive.</summary>
internal sealed record PickledStorage(string Type, string Key, long Count);

/// <summary>A tensor as a strided view of a storage; <paramref name="Type"/> is a safetensors dtype. Torch may have put off negating or conjugating it.</summary>
internal sealed record PickledTensor(PickledStorage Storage, string Type, long Offset, long[] Shape, long[] Strides, bool Negated = false, bool Conjugated = false);

/// <summary>An object of another class, by its name: it is never made. What a pickle puts into it as into a dictionary is kept.</summary>
internal sealed record PickledObject(string Name)
{
    public PickledDictionary Items { get; } = new();
}
