using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The JSON header of a safetensors file, checked against the file's size before anything is trusted.</summary>
internal sealed record SafetensorsHeader(IReadOnlyDictionary<string, TensorEntry> Entries, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>The format's own limit.</summary>
    public const long MaximumLength = 100_000_000;

    private const int MaximumRank = 64;

    /// <exception cref="InvalidDataException">The header does not describe this file.</exception>
    public static SafetensorsHeader Read(MappedFile file)
    {
        if (file.Length < 8)
        {
            throw new InvalidDataException($"{file.Path}: {file.Length} bytes are too few for a safetensors file; it looks truncated.");
        }
        var length = BinaryPrimitives.ReadUInt64LittleEndian(file.Span(0, 8));
        if (length > MaximumLength || (long)length > file.Length - 8)
        {
            throw new InvalidDataException(
                $"{file.Path}: the header claims {length} bytes, but the file has {file.Length} and a header at most {MaximumLength}; truncated, or not safetensors.");
        }
        var json = file.Span(8, (int)length);
        try
        {
            if (!Utf8.IsValid(json) || json.IsEmpty || json[0] != (byte)'{')
            {
                throw new JsonException("it is not a JSON object in UTF-8");
            }
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 });
            var header = new HeaderParser(file).Parse(ref reader, 8 + (long)length);
            return header;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{file.Path}: the safetensors header cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The header bytes for tensors stored in this order, padded with spaces to a multiple of eight.</summary>
    public static byte[] Serialize(IReadOnlyList<(string Name, ScalarType Type, long[] Shape)> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, value);
                }
                json.WriteEndObject();
            }
            long offset = 0;
            foreach (var (name, type, shape) in tensors)
            {
                if (name.Length == 0 || name == "__metadata__")
                {
                    throw new ArgumentException($"'{name}' cannot be the name of a tensor.", nameof(tensors));
                }
                var end = checked(offset + (TensorDtypes.Product(shape)!.Value * TensorDtypes.Width(type)));
                json.WriteStartObject(name);
                json.WriteString("dtype", TensorDtypes.NameOf(type));
                WriteNumbers(json, "shape", shape);
                WriteNumbers(json, "data_offsets", [offset, end]);
                json.WriteEndObject();
                offset = end;
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0)
        {
            buffer.WriteByte((byte)' ');
        }
        return buffer.Length <= MaximumLength ? buffer.ToArray() : throw new ArgumentException("The header would exceed the format's 100 MB.", nameof(tensors));
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, long[] numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers)
        {
            json.WriteNumberValue(number);
        }
        json.WriteEndArray();
    }

    private sealed class HeaderParser(MappedFile file)
    {
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
                Require(name.Length > 0, "a tensor has an empty name");
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
            Expect(ref reader, JsonTokenType.StartObject);
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
                Require(key switch { "dtype" => dtype is null, "shape" => shape is null, "data_offsets" => offsets is null, _ => false },
                    $"tensor '{name}' has an unknown or repeated key '{key}'");
                if (key == "dtype")
                {
                    Expect(ref reader, JsonTokenType.String);
                    dtype = reader.GetString()!;
                }
                else if (key == "shape")
                {
                    shape = ReadNumbers(ref reader, name, MaximumRank);
                }
                else
                {
                    offsets = ReadNumbers(ref reader, name, 2);
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
}
