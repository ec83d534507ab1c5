using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The few Python names that rebuild tensors, and what they stand for here; every other name is kept as a name.</summary>
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
        ["float8_e4m3fnuz"] = "F8_E4M3FNUZ", ["float8_e5m2fnuz"] = "F8_E5M2FNUZ",
    };

    // Nothing here would run them. No file of weights names them, though, and elsewhere they would do harm: their owner should hear of it.
    private static readonly HashSet<string> Harmful = new(StringComparer.Ordinal)
    {
        "os", "posix", "nt", "subprocess", "sys", "runpy", "pty", "socket", "shutil", "importlib", "ctypes", "webbrowser", "commands", "multiprocessing", "pickle", "_pickle",
    };

    private static readonly HashSet<string> HarmlessBuiltins = new(StringComparer.Ordinal)
    {
        "set", "frozenset", "slice", "complex", "bytearray", "bytes", "range", "object", "int", "float", "bool", "str", "list", "dict", "tuple", "Ellipsis", "NotImplemented", "unicode", "long", "xrange",
    };

    /// <summary>A name; naming is all that is done with it.</summary>
    /// <exception cref="InvalidDataException">It could only be meant to run something.</exception>
    public static PickledName Name(string module, string name)
    {
        var harmful = Harmful.Contains(module.Split('.')[0]) || (module is "builtins" or "__builtin__" && !HarmlessBuiltins.Contains(name));
        return harmful
            ? throw PickleReader.Fault($"it names {Clean(module)}.{Clean(name)}, which runs things and has no place in a file of weights; nothing was executed")
            : new PickledName(Clean(module), Clean(name));
    }

    /// <summary>The storage that a persistent id ("storage", type, key, location, count) refers to; one of a class that is not known here is only named.</summary>
    public static object Storage(object? id) =>
        id is PickledTuple { Items: ["storage", PickledName type, string key, string, long count, ..] } && count >= 0
            ? StorageTypes.TryGetValue(type.Name, out var dtype) ? new PickledStorage(dtype, key, count) : new PickledObject(type.ToString())
            : throw PickleReader.Fault("a storage has an id of another form than torch's");

    /// <summary>What a call of a name with these arguments stands for; a call of any but torch's own for rebuilding tensors stands for an object that is never made.</summary>
    public static object Apply(object? function, object? arguments)
    {
        if (function is not PickledName named)
        {
            return new PickledObject("an object of no named class");
        }
        var name = named.ToString();
        var items = arguments is PickledTuple tuple ? tuple.Items : throw PickleReader.Fault($"it calls {name} without arguments");
        return (name, items) switch
        {
            ("collections.OrderedDict", []) or ("collections.defaultdict", [_]) or ("builtins.dict" or "__builtin__.dict", []) => new PickledDictionary(),
            ("collections.OrderedDict", [PickledList pairs]) => Pairs(pairs),
            ("torch.Size", [PickledTuple or PickledList]) => items[0]!,
            ("torch.device", [string, ..]) => "<device>",
            ("torch._utils._rebuild_parameter" or "torch._utils._rebuild_parameter_with_state", [PickledTensor or PickledObject, ..]) => items[0]!,
            ("torch.nn.parameter.Parameter" or "torch.nn.parameter.Buffer", [PickledTensor or PickledObject, ..]) => items[0]!,
            ("torch._tensor._rebuild_from_type_v2", [PickledName inner, _, PickledTuple given, ..]) => Apply(inner, given),
            ("torch._utils._rebuild_tensor_v2" or "torch._utils._rebuild_tensor_v3", [PickledObject unknown, ..]) => unknown,
            ("torch._utils._rebuild_tensor_v2", [PickledStorage storage, long offset, PickledTuple shape, PickledTuple strides, bool, _, .. var rest]) =>
                Deferred(new PickledTensor(storage, storage.Type, offset, Numbers(shape), Numbers(strides)), rest),
            ("torch._utils._rebuild_tensor_v3", [PickledStorage storage, long offset, PickledTuple shape, PickledTuple strides, bool, _, PickledName { Module: "torch" } dtype, .. var rest]) =>
                Dtypes.TryGetValue(dtype.Name, out var type) ? Deferred(new PickledTensor(storage, type, offset, Numbers(shape), Numbers(strides)), rest) : new PickledObject(dtype.ToString()),
            ("torch._utils._rebuild_tensor_v2" or "torch._utils._rebuild_tensor_v3" or "collections.OrderedDict", _) => throw PickleReader.Fault($"it calls {name} with arguments that torch does not write"),
            _ => new PickledObject(name),
        };
    }

    // What torch had put off when it saved: a view of values whose sign is to be turned, or whose imaginary part.
    private static object Deferred(PickledTensor tensor, object?[] rest)
    {
        if (rest is not [PickledDictionary { Items.Count: > 0 } metadata, ..])
        {
            return tensor;
        }
        foreach (var (key, value) in metadata.Items)
        {
            switch (key, value)
            {
                case ("neg", bool negated):
                    tensor = tensor with { Negated = negated };
                    break;
                case ("conj", bool conjugated):
                    tensor = tensor with { Conjugated = conjugated };
                    break;
                default:
                    return new PickledObject($"a tensor with the property {Clean($"{key}")}");
            }
        }
        return tensor;
    }

    private static PickledDictionary Pairs(PickledList pairs)
    {
        var dictionary = new PickledDictionary();
        foreach (var pair in pairs.Items)
        {
            var items = pair is PickledTuple tuple ? tuple.Items : pair is PickledList list ? [.. list.Items] : [];
            PickleReader.Require(items.Length == 2, "it makes a dictionary of something other than pairs");
            dictionary.Items.Add((items[0], items[1]));
        }
        return dictionary;
    }

    /// <summary>Name of the storage class of a dtype, as torch spells it.</summary>
    public static string StorageName(ScalarType type)
    {
        var stored = TensorDtypes.NameOf(type);
        return StorageTypes.First(pair => pair.Value == stored).Key;
    }

    private static long[] Numbers(PickledTuple tuple)
    {
        PickleReader.Require( tuple.Items.All(item => item is long and >= 0), "a tensor's sizes or strides are not whole numbers");
        return [.. tuple.Items.Cast<long>()];
    }

    private static string Clean(string text) => new([.. text.Take(80).Select(c => char.IsControl(c) ? '?' : c)]);
}
