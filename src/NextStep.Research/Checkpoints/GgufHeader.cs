using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The header of a GGUF file, read once from its beginning and checked against the file's size before anything is trusted.</summary>
internal sealed class GgufHeader(MappedFile file)
{
    private const int MostDimensions = 4, LongestName = 4096, LongestText = 1000, MostNesting = 4;

    // Numbers and bytes of a block; a null dtype is listed and not read.
    private static readonly Dictionary<uint, (string Name, int Count, int Bytes, ScalarType? Type)> Types = new()
    {
        [0] = ("F32", 1, 4, ScalarType.Float32), [1] = ("F16", 1, 2, ScalarType.Float16), [30] = ("BF16", 1, 2, ScalarType.BFloat16), [28] = ("F64", 1, 8, ScalarType.Float64),
        [24] = ("I8", 1, 1, ScalarType.Int8), [25] = ("I16", 1, 2, ScalarType.Int16), [26] = ("I32", 1, 4, ScalarType.Int32), [27] = ("I64", 1, 8, ScalarType.Int64),
        [2] = ("Q4_0", 32, 18, ScalarType.Float32), [8] = ("Q8_0", 32, 34, ScalarType.Float32),
        [3] = ("Q4_1", 32, 20, null), [6] = ("Q5_0", 32, 22, null), [7] = ("Q5_1", 32, 24, null),
        [10] = ("Q2_K", 256, 84, null), [11] = ("Q3_K", 256, 110, null), [12] = ("Q4_K", 256, 144, null), [13] = ("Q5_K", 256, 176, null), [14] = ("Q6_K", 256, 210, null),
    };

    private long _at;

    /// <summary>Tensors by their stored names, and the metadata as text: long values and lists shortened to what they are.</summary>
    /// <exception cref="InvalidDataException">The header does not describe this file.</exception>
    public (IReadOnlyDictionary<string, TensorEntry> Entries, IReadOnlyDictionary<string, string> Metadata) Read()
    {
        if (file.Length < 24 || !file.Span(0, 4).SequenceEqual("GGUF"u8))
        {
            throw Fault("it does not begin as a GGUF file; truncated, or another format");
        }
        _at = 4;
        uint version = UInt32();
        if (version is not (2 or 3))
        {
            throw Fault($"it is GGUF of version {version}{(BinaryPrimitives.ReverseEndianness(version) is 2 or 3 ? " (big-endian)" : "")}; versions 2 and 3 are read, little-endian");
        }
        ulong tensors = UInt64(), pairs = UInt64();
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        for (ulong i = 0; i < pairs; i++)
        {
            string key = Text(LongestName, "a key");
            if (!metadata.TryAdd(key, Value(UInt32(), 0)))
            {
                throw Fault($"its metadata hold '{key}' twice");
            }
        }
        long alignment = 32;
        if (metadata.TryGetValue("general.alignment", out string? text) && !(long.TryParse(text, CultureInfo.InvariantCulture, out alignment) && alignment is >= 8 and <= 1 << 20 && alignment % 8 == 0))
        {
            throw Fault($"general.alignment is {text}, which must be a multiple of 8 up to {1 << 20}");
        }
        List<TensorEntry> entries = [];
        for (ulong i = 0; i < tensors; i++)
        {
            entries.Add(Entry());
        }
        long start = (_at + alignment - 1) / alignment * alignment;
        return (Placed(entries, start, alignment), metadata);
    }

    private TensorEntry Entry()
    {
        string name = Text(LongestName, "a tensor's name");
        uint dimensions = UInt32();
        if (dimensions > MostDimensions)
        {
            throw Fault($"tensor '{name}' claims {dimensions} dimensions; there are at most {MostDimensions}");
        }
        long[] shape = new long[dimensions];
        for (int i = shape.Length - 1; i >= 0; i--) // the fastest comes first in the file
        {
            shape[i] = unchecked((long)UInt64());
        }
        uint type = UInt32();
        if (!Types.TryGetValue(type, out (string Name, int Count, int Bytes, ScalarType? Type) stored))
        {
            throw Fault($"tensor '{name}' is of type {type}, which this kit does not know");
        }
        long? count = TensorDtypes.Product(shape);
        if (count is null || (shape.Length > 0 ? shape[^1] : 1) % stored.Count != 0)
        {
            throw Fault($"tensor '{name}' claims [{string.Join(", ", shape)}] in blocks of {stored.Count}");
        }
        Int128 bytes = (Int128)count.Value / stored.Count * stored.Bytes;
        ulong offset = UInt64();
        if (bytes > file.Length || offset > (ulong)file.Length)
        {
            throw Fault($"tensor '{name}' claims {bytes} bytes at {offset}, but the file has {file.Length}; truncated");
        }
        return new TensorEntry { Name = name, StoredType = stored.Name, Type = stored.Type, Shape = shape, Offset = (long)offset, ByteLength = (long)bytes };
    }

    private Dictionary<string, TensorEntry> Placed(List<TensorEntry> entries, long start, long alignment)
    {
        Dictionary<string, TensorEntry> placed = new(StringComparer.Ordinal);
        TensorEntry? last = null;
        foreach (TensorEntry entry in entries.OrderBy(e => e.Offset).ThenBy(e => e.ByteLength).Select(e => e with { Offset = e.Offset + start }))
        {
            if ((entry.Offset - start) % alignment != 0 || entry.Offset + entry.ByteLength > file.Length)
            {
                throw Fault($"tensor '{entry.Name}' claims {entry.ByteLength} bytes at {entry.Offset} in a file of {file.Length}, aligned to {alignment}; truncated or damaged");
            }
            if (last is not null && entry.Offset < last.Offset + last.ByteLength)
            {
                throw Fault($"tensors '{last.Name}' and '{entry.Name}' claim the same bytes");
            }
            if (!placed.TryAdd(entry.Name, entry))
            {
                throw Fault($"two tensors are called '{entry.Name}'");
            }
            last = entry;
        }
        return placed;
    }

    private string Value(uint type, int depth) => type switch
    {
        0 => Take(1)[0].ToString(CultureInfo.InvariantCulture),
        1 => ((sbyte)Take(1)[0]).ToString(CultureInfo.InvariantCulture),
        2 => BinaryPrimitives.ReadUInt16LittleEndian(Take(2)).ToString(CultureInfo.InvariantCulture),
        3 => BinaryPrimitives.ReadInt16LittleEndian(Take(2)).ToString(CultureInfo.InvariantCulture),
        4 => UInt32().ToString(CultureInfo.InvariantCulture),
        5 => unchecked((int)UInt32()).ToString(CultureInfo.InvariantCulture),
        6 => BinaryPrimitives.ReadSingleLittleEndian(Take(4)).ToString(CultureInfo.InvariantCulture),
        7 => Take(1)[0] == 0 ? "false" : "true",
        8 => Text(int.MaxValue, "a text"),
        9 => List(depth),
        10 => UInt64().ToString(CultureInfo.InvariantCulture),
        11 => unchecked((long)UInt64()).ToString(CultureInfo.InvariantCulture),
        12 => BinaryPrimitives.ReadDoubleLittleEndian(Take(8)).ToString(CultureInfo.InvariantCulture),
        _ => throw Fault($"its metadata hold a value of type {type}, which the format does not have"),
    };

    // Vocabularies are lists of a hundred thousand: what they are, not what they hold.
    private string List(int depth)
    {
        if (depth == MostNesting)
        {
            throw Fault($"its metadata hold lists in lists, more than {MostNesting} deep");
        }
        uint type = UInt32();
        ulong count = UInt64();
        for (ulong i = 0; i < count; i++)
        {
            Value(type, depth + 1);
        }
        return $"[{count} values]";
    }

    private string Text(int longest, string what)
    {
        ulong length = UInt64();
        if (length > (ulong)Math.Min(longest, file.Length - _at))
        {
            throw Fault($"{what} claims {length} bytes at {_at} of {file.Length}; truncated or damaged");
        }
        ReadOnlySpan<byte> bytes = Take((int)length);
        return bytes.Length > LongestText && longest > LongestName ? $"[text of {bytes.Length} bytes]" : Encoding.UTF8.GetString(bytes);
    }

    private uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    private ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > file.Length - _at)
        {
            throw Fault($"its header goes on behind its end at {file.Length} bytes; truncated");
        }
        _at += count;
        return file.Span(_at - count, count);
    }

    private InvalidDataException Fault(string fault) => new($"{file.Path}: {fault}.");
}
