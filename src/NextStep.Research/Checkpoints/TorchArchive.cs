using System.Text;

namespace NextStep.Research;

/// <summary>A tensor of a torch archive: its description, the member with its storage, and how it lies in it.</summary>
internal sealed record TorchTensor(TensorEntry Entry, ZipMember Storage, long First, PickledTensor View);

/// <summary>What a torch archive holds.</summary>
/// <param name="Tensors">By dotted name.</param>
/// <param name="Others">What is not read, with its class where it has one: <c>args (argparse.Namespace)</c>.</param>
internal sealed record TorchContents(Dictionary<string, TorchTensor> Tensors, IReadOnlyList<string> Others);

/// <summary>Finds the tensors in a torch archive and checks each against the bytes that are there.</summary>
internal static class TorchArchive
{
    private const long MostExpanded = 1L << 32;

    /// <exception cref="InvalidDataException">The message names the file and the fault.</exception>
    public static TorchContents Read(MappedFile file)
    {
        var members = ZipDirectory.Read(file);
        var pickles = members.Values.Where(member => member.Name == "data.pkl" || member.Name.EndsWith("/data.pkl", StringComparison.Ordinal)).Take(2).ToArray();
        if (pickles.Length != 1)
        {
            throw new InvalidDataException($"{file.Path}: a torch archive has one data.pkl, this zip file {(pickles.Length == 0 ? "none" : "several")}.");
        }
        var pickle = pickles[0];
        var prefix = pickle.Name[..^"data.pkl".Length];
        if (members.TryGetValue(prefix + "byteorder", out var order) && order.Length <= 16 && Encoding.ASCII.GetString(ZipUnpacking.Bytes(file, order)).Trim() != "little")
        {
            throw new InvalidDataException($"{file.Path}: its values are not in little-endian byte order.");
        }
        ZipDirectory.Verify(file, pickle);
        try
        {
            PickleReader.Require(pickle.Length <= PickleReader.MaximumBytes, $"it has {pickle.Length} bytes, more than the {PickleReader.MaximumBytes} that are read");
            var collected = PickledWeights.Collect(PickleReader.Read(ZipUnpacking.Bytes(file, pickle)));
            PickleReader.Require(collected.Tensors.Count > 0 || collected.Objects.Count == 0,
                $"it holds no tensors in plain dictionaries and lists, but {string.Join(", ", collected.Objects.Take(8))}; nothing was executed. Save model.state_dict() instead of the object");
            return new TorchContents(
                collected.Tensors.ToDictionary(pair => pair.Key, pair => Resolve(pair.Key, pair.Value, prefix, members), StringComparer.Ordinal), [.. collected.Objects, .. collected.Beside]);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{file.Path}: {e.Message}.", e);
        }
    }

    private static TorchTensor Resolve(string name, PickledTensor tensor, string prefix, IReadOnlyDictionary<string, ZipMember> members)
    {
        var storage = tensor.Storage;
        PickleReader.Require(members.TryGetValue($"{prefix}data/{storage.Key}", out var member), $"the storage data/{storage.Key} of tensor '{name}' is missing");
        var (bits, type) = (TensorDtypes.Find(tensor.Type)!.Bits, TensorDtypes.Find(tensor.Type)!.Type);
        var storageBits = TensorDtypes.Find(storage.Type)!.Bits;
        PickleReader.Require((Int128)storage.Count * storageBits == (Int128)member!.Length * 8, $"the storage of tensor '{name}' claims {storage.Count} values but has {member.Length} bytes");
        var held = member.Length * 8 / bits;
        var count = TensorDtypes.Product(tensor.Shape);
        PickleReader.Require(count is not null && tensor.Shape.Length == tensor.Strides.Length, $"tensor '{name}' has an impossible shape");
        // Fewer stored values than shown ones is what expand() leaves behind. It stays a view here; yet a few bytes must not claim any size.
        PickleReader.Require(count <= Math.Max(held, MostExpanded), $"tensor '{name}' shows {count} values of a storage that holds {held}");
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
        return new TorchTensor(entry, member, tensor.Offset, tensor);
    }
}
