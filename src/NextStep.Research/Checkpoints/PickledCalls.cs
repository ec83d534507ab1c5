using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The few Python names that a file of tensors may mention, and what they stand for here.</summary>
internal static class PickledCalls
{
    private static readonly Dictionary<string, string> StorageTypes = new(StringComparer.Ordinal)
    {
        ["FloatStorage"] = "F32", ["DoubleStorage"] = "F64", ["HalfStorage"] = "F16", ["BFloat16Storage"] = "BF16",
        ["LongStorage"] = "I64", ["IntStorage"] = "I32", ["ShortStorage"] = "I16", ["CharStorage"] = "I8",
        ["ByteStorage"] = "U8", ["BoolStorage"] = "BOOL", ["ComplexFloatStorage"] = "C64", ["UntypedStorage"] = "U8",
    };

    private static readonly Dictionary<string, string> Dtypes = new(StringComparer.Ordinal)
    {
        ["float32"] = "F32", ["float64"] = "F64", ["float16"] = "F16", ["bfloat16"] = "BF16",
        ["int64"] = "I64", ["int32"] = "I32", ["int16"] = "I16", ["int8"] = "I8", ["uint8"] = "U8", ["bool"] = "BOOL", ["complex64"] = "C64",
        ["uint16"] = "U16", ["uint32"] = "U32", ["uint64"] = "U64",
        ["float8_e4m3fn"] = "F8_E4M3", ["float8_e5m2"] = "F8_E5M2", ["float8_e8m0fnu"] = "F8_E8M0",
    };

    /// <summary>Accepts a name that is on the list.</summary>
    /// <exception cref="InvalidDataException">Any other; the message names it.</exception>
    public static PickledName Name(string module, string name)
    {
        var known = (module, name) switch
        {
            ("torch._utils", "_rebuild_tensor_v2" or "_rebuild_tensor_v3" or "_rebuild_parameter") => true,
            ("collections", "OrderedDict") => true,
            ("torch", "Size" or "device") => true,
            ("torch.storage", "UntypedStorage") => true,
            ("torch", _) => StorageTypes.ContainsKey(name) || Dtypes.ContainsKey(name),
            _ => false,
        };
        return known ? new PickledName(module, name)
            : throw PickleReader.Fault($"it names {Clean(module)}.{Clean(name)}, which is not part of rebuilding tensors; nothing was executed");
    }

    /// <summary>The storage that a persistent id ("storage", type, key, location, count) refers to.</summary>
    public static PickledStorage Storage(object? id) =>
        id is PickledTuple { Items: ["storage", PickledName type, string key, string, long count, ..] } && StorageTypes.TryGetValue(type.Name, out var dtype) && count >= 0
            ? new PickledStorage(dtype, key, count)
            : throw PickleReader.Fault("a storage has an id of another form than torch's");

    /// <summary>What a call of a listed name with these arguments stands for.</summary>
    public static object Apply(object? function, object? arguments)
    {
        PickleReader.Require(function is PickledName, "it calls something that has no name");
        var name = ((PickledName)function!).ToString();
        var items = arguments is PickledTuple tuple ? tuple.Items : throw PickleReader.Fault($"it calls {name} without arguments");
        return (name, items) switch
        {
            ("collections.OrderedDict", []) => new PickledDictionary(),
            ("torch.Size", [PickledTuple or PickledList]) => items[0]!,
            ("torch.device", [string, ..]) => "<device>",
            ("torch._utils._rebuild_parameter", [PickledTensor tensor, ..]) => tensor,
            ("torch._utils._rebuild_tensor_v2", [PickledStorage storage, long offset, PickledTuple shape, PickledTuple strides, bool, PickledDictionary, ..]) =>
                new PickledTensor(storage, storage.Type, offset, Numbers(shape), Numbers(strides)),
            ("torch._utils._rebuild_tensor_v3", [PickledStorage storage, long offset, PickledTuple shape, PickledTuple strides, bool, PickledDictionary, PickledName { Module: "torch" } dtype, ..])
                when Dtypes.TryGetValue(dtype.Name, out var type) => new PickledTensor(storage, type, offset, Numbers(shape), Numbers(strides)),
            _ => throw PickleReader.Fault($"it calls {name} with arguments that torch does not write"),
        };
    }

    /// <summary>Name of the storage class of a dtype, as torch spells it.</summary>
    public static string StorageName(ScalarType type)
    {
        var stored = TensorDtypes.NameOf(type);
        return StorageTypes.First(pair => pair.Value == stored).Key;
    }

    private static long[] Numbers(PickledTuple tuple)
    {
        PickleReader.Require(tuple.Items.Length <= 64 && tuple.Items.All(item => item is long and >= 0), "a tensor's sizes or strides are not whole numbers");
        return [.. tuple.Items.Cast<long>()];
    }

    private static string Clean(string text) => new([.. text.Take(80).Select(c => char.IsControl(c) ? '?' : c)]);
}
