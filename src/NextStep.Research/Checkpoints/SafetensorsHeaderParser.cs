using System.Text.Json;

namespace NextStep.Research;

/// <summary>Reads the JSON of a safetensors header and checks every claim in it against the file.</summary>
internal sealed class SafetensorsHeaderParser(MappedFile file)
{
    private const int MaximumRank = 4096;
    private readonly Dictionary<string, TensorEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    public SafetensorsHeader Parse(ref Utf8JsonReader reader, long dataStart)
    {
        Expect(ref reader, JsonTokenType.StartObject);
        var seenMetadata = false;
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (name == "__metadata__")
            {
                Require(!seenMetadata, "__metadata__ stands there twice");
                seenMetadata = true;
                ReadMetadata(ref reader);
                continue;
            }
            Require(_entries.TryAdd(name, ReadEntry(ref reader, name, dataStart)), $"tensor '{name}' stands there twice");
        }
        Require(!reader.Read(), "something follows the JSON object");
        CheckCoverage(dataStart);
        return new SafetensorsHeader(_entries, _metadata);
    }

    // The values must fill the rest of the file: no overlap, no gap, nothing left over.
    private void CheckCoverage(long dataStart)
    {
        var end = dataStart;
        foreach (var entry in _entries.Values.OrderBy(entry => entry.Offset).ThenBy(entry => entry.ByteLength))
        {
            Require(entry.Offset == end, $"tensor '{entry.Name}' {(entry.Offset < end ? "overlaps the one before it" : "leaves a gap before it")}");
            end += entry.ByteLength;
        }
        Require(end == file.Length, $"the tensors end at byte {end}, the file at {file.Length}");
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (Next(ref reader) == JsonTokenType.Null)
        {
            return;
        }
        Require(reader.TokenType == JsonTokenType.StartObject, $"an object of texts expected as metadata, {reader.TokenType} found");
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            Expect(ref reader, JsonTokenType.String);
            Require(_metadata.TryAdd(key, reader.GetString()!), $"metadata '{key}' stands there twice");
        }
    }

    private TensorEntry ReadEntry(ref Utf8JsonReader reader, string name, long dataStart)
    {
        Expect(ref reader, JsonTokenType.StartObject);
        string? dtype = null;
        List<long>? shape = null, offsets = null;
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            Require(key switch { "dtype" => dtype is null, "shape" => shape is null, "data_offsets" => offsets is null, _ => true }, $"tensor '{name}' has the key '{key}' twice");
            if (key == "dtype")
            {
                Expect(ref reader, JsonTokenType.String);
                dtype = reader.GetString()!;
            }
            else if (key == "shape")
            {
                shape = ReadNumbers(ref reader, name, MaximumRank);
            }
            else if (key == "data_offsets")
            {
                offsets = ReadNumbers(ref reader, name, 2);
            }
            else
            {
                reader.Skip(); // what a later format may say of a tensor
            }
        }
        Require(dtype is not null && shape is not null && offsets is { Count: 2 }, $"tensor '{name}' lacks dtype, shape or two data_offsets");
        return Check(name, dtype!, shape!, offsets![0], offsets[1], dataStart);
    }

    private TensorEntry Check(string name, string dtype, List<long> shape, long begin, long end, long dataStart)
    {
        var count = TensorDtypes.Product(shape);
        Require(count is not null, $"tensor '{name}' has an impossible shape [{string.Join(", ", shape)}]");
        Require(begin >= 0 && begin <= end && end <= file.Length - dataStart, $"tensor '{name}' lies at {begin} to {end}, outside the {file.Length - dataStart} bytes of values");
        var known = TensorDtypes.Find(dtype);
        if (known is { } found)
        {
            var bits = (Int128)count!.Value * found.Bits;
            Require(bits == (Int128)(end - begin) * 8, $"tensor '{name}' of {dtype} [{string.Join(", ", shape)}] cannot take {end - begin} bytes");
        }
        return new TensorEntry { Name = name, StoredType = dtype, Type = known?.Type, Shape = shape, Offset = dataStart + begin, ByteLength = end - begin };
    }

    private static List<long> ReadNumbers(ref Utf8JsonReader reader, string name, int most)
    {
        Expect(ref reader, JsonTokenType.StartArray);
        var numbers = new List<long>();
        while (Next(ref reader) != JsonTokenType.EndArray)
        {
            Require(reader.TokenType == JsonTokenType.Number && numbers.Count < most && reader.TryGetInt64(out var number) && Add(numbers, number),
                $"tensor '{name}' has a shape or offsets that are not at most {most} whole numbers");
        }
        return numbers;
    }

    private static bool Add(List<long> numbers, long number)
    {
        numbers.Add(number);
        return true;
    }

    private static JsonTokenType Next(ref Utf8JsonReader reader)
    {
        Require(reader.Read(), "it ends early");
        return reader.TokenType;
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        var found = Next(ref reader);
        Require(found == type, $"{type} expected, {found} found");
    }

    private static void Require(bool condition, string fault)
    {
        if (!condition)
        {
            throw new JsonException(fault);
        }
    }
}
