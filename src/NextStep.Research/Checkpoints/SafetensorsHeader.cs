using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace NextStep.Research;

/// <summary>The JSON header of a safetensors file, checked against the file's size before anything is trusted.</summary>
internal sealed record SafetensorsHeader(IReadOnlyDictionary<string, TensorEntry> Entries, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>The format's own limit.</summary>
    public const long MaximumLength = 100_000_000;

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
            if (!Utf8.IsValid(json) || json.TrimStart(" \t\r\n"u8) is not [(byte)'{', ..])
            {
                throw new JsonException("it is not a JSON object in UTF-8");
            }
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 128 });
            return new SafetensorsHeaderParser(file).Parse(ref reader, 8 + (long)length);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{file.Path}: the safetensors header cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The header bytes for tensors stored in this order, padded with spaces to a multiple of eight.</summary>
    public static byte[] Serialize(IReadOnlyList<OutgoingTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
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
            foreach (var tensor in tensors)
            {
                var name = tensor.Name;
                if (name == "__metadata__")
                {
                    throw new ArgumentException($"'{name}' cannot be the name of a tensor.", nameof(tensors));
                }
                var end = checked(offset + tensor.ByteLength);
                json.WriteStartObject(name);
                json.WriteString("dtype", TensorDtypes.NameOf(tensor.Type));
                WriteNumbers(json, "shape", tensor.Shape);
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
}
