using System.Text;

namespace NextStep.Research;

/// <summary>A tensor of a torch archive: its description, the member with its storage, and how it lies in it.</summary>
internal sealed record TorchTensor(TensorEntry Entry, ZipMember Storage, long First, long[] Strides);

/// <summary>Finds the tensors in a torch archive and checks each against the bytes that are there.</summary>
internal static class TorchArchive
{
    private const int MaximumDepth = 32, MaximumName = 512, MaximumVisits = 200_000;
    private static readonly string[] Wrappers = ["state_dict", "model_state_dict", "model", "module", "weights"];

    /// <exception cref="InvalidDataException">The message names the file and the fault.</exception>
    public static Dictionary<string, TorchTensor> Read(MappedFile file)
    {
        var members = ZipDirectory.Read(file);
        var pickles = members.Values.Where(member => member.Name == "data.pkl" || member.Name.EndsWith("/data.pkl", StringComparison.Ordinal)).Take(2).ToArray();
        if (pickles.Length != 1)
        {
            throw new InvalidDataException($"{file.Path}: a torch archive has one data.pkl, this zip file {(pickles.Length == 0 ? "none" : "several")}.");
        }
        var pickle = pickles[0];
        var prefix = pickle.Name[..^"data.pkl".Length];
        if (members.TryGetValue(prefix + "byteorder", out var order) && order.Length <= 16 && Encoding.ASCII.GetString(file.Span(order.Offset, (int)order.Length)).Trim() != "little")
        {
            throw new InvalidDataException($"{file.Path}: its values are not in little-endian byte order.");
        }
        ZipDirectory.Verify(file, pickle);
        var found = new Dictionary<string, TorchTensor>(StringComparer.Ordinal);
        try
        {
            PickleReader.Require(pickle.Length <= PickleReader.MaximumBytes, $"it has {pickle.Length} bytes, more than the {PickleReader.MaximumBytes} that are read");
            var root = Unwrap(PickleReader.Read(file.Span(pickle.Offset, (int)pickle.Length)));
            var visits = 0;
            Collect(root, "", 0, ref visits, (name, tensor) =>
                PickleReader.Require(found.TryAdd(name, Resolve(name, tensor, prefix, members)), $"tensor '{name}' stands there twice"));
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{file.Path}: {e.Message}.", e);
        }
        return found;
    }

    // A training checkpoint keeps its weights beside optimizer state and counters.
    private static object? Unwrap(object? root)
    {
        for (var depth = 0; depth < 4 && root is PickledDictionary dictionary && !dictionary.Items.Exists(item => item.Value is PickledTensor); depth++)
        {
            var inner = Wrappers.Select(key => dictionary.Items.Find(item => item.Key is string text && text == key).Value).FirstOrDefault(value => value is PickledDictionary);
            if (inner is null)
            {
                return root;
            }
            root = inner;
        }
        return root;
    }

    // A hostile pickle can refer to one container from many places, or from inside itself: depth and visits are bounded.
    private static void Collect(object? value, string name, int depth, ref int visits, Action<string, PickledTensor> add)
    {
        PickleReader.Require(depth <= MaximumDepth && ++visits <= MaximumVisits, "its containers are nested too deeply or repeat without end");
        switch (value)
        {
            case PickledTensor tensor:
                add(name.Length == 0 ? "tensor" : name, tensor);
                break;
            case PickledDictionary dictionary:
                foreach (var (key, item) in dictionary.Items)
                {
                    PickleReader.Require(key is string or long, "a dictionary has a key that is neither text nor a number");
                    Collect(item, Join(name, FormattableString.Invariant($"{key}")), depth + 1, ref visits, add);
                }
                break;
            case PickledList or PickledTuple:
                var items = value is PickledList list ? list.Items : (IReadOnlyList<object?>)((PickledTuple)value).Items;
                for (var i = 0; i < items.Count; i++)
                {
                    Collect(items[i], Join(name, FormattableString.Invariant($"{i}")), depth + 1, ref visits, add);
                }
                break;
        }
    }

    private static string Join(string prefix, string name)
    {
        PickleReader.Require(prefix.Length + name.Length <= MaximumName, $"a tensor's name is longer than {MaximumName} characters");
        return prefix.Length == 0 ? name : $"{prefix}.{name}";
    }

    private static TorchTensor Resolve(string name, PickledTensor tensor, string prefix, IReadOnlyDictionary<string, ZipMember> members)
    {
        var storage = tensor.Storage;
        PickleReader.Require(members.TryGetValue($"{prefix}data/{storage.Key}", out var member), $"the storage data/{storage.Key} of tensor '{name}' is missing");
        var (bits, type) = TensorDtypes.Find(tensor.Type)!.Value;
        var (storageBits, _) = TensorDtypes.Find(storage.Type)!.Value;
        PickleReader.Require((Int128)storage.Count * storageBits == (Int128)member!.Length * 8, $"the storage of tensor '{name}' claims {storage.Count} values but has {member.Length} bytes");
        var held = member.Length * 8 / bits;
        var count = TensorDtypes.Product(tensor.Shape);
        PickleReader.Require(count is not null && tensor.Shape.Length == tensor.Strides.Length, $"tensor '{name}' has an impossible shape");
        // Fewer stored values than shown ones is what expand() leaves behind; taking it at its word would allow a few bytes to claim any size.
        PickleReader.Require(count <= held, $"tensor '{name}' shows {count} values of a storage that holds {held}");
        Int128 last = tensor.Offset;
        for (var i = 0; i < tensor.Shape.Length && count > 0; i++)
        {
            last += (Int128)(tensor.Shape[i] - 1) * tensor.Strides[i];
            PickleReader.Require(last < held, $"tensor '{name}' reaches past the end of its storage");
        }
        PickleReader.Require(tensor.Offset >= 0 && (count == 0 || last < held), $"tensor '{name}' reaches past the end of its storage");
        var entry = new TensorEntry
        {
            Name = name,
            StoredType = tensor.Type,
            Type = type,
            Shape = tensor.Shape,
            Offset = count == 0 ? member.Offset : member.Offset + (tensor.Offset * bits / 8),
            ByteLength = count!.Value * bits / 8,
        };
        return new TorchTensor(entry, member, tensor.Offset, tensor.Strides);
    }
}
