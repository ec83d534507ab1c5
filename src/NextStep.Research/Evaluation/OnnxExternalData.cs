using System.Text;

namespace NextStep.Research;

/// <summary>The files beside an ONNX model that hold its weights. Only the fields of the format (onnx.proto) that lead to them are looked at.</summary>
internal static class OnnxExternalData
{
    private const int MaximumDepth = 64;

    private enum Kind
    {
        Model,
        Graph,
        Function,
        Node,
        Attribute,
        Sparse,
        Tensor,
        Entry,
    }

    /// <summary>Their names as the model states them, relative to its folder, in ordinal order.</summary>
    /// <exception cref="InvalidDataException">The bytes are no message of that format.</exception>
    public static IReadOnlyList<string> Locations(ReadOnlySpan<byte> model)
    {
        SortedSet<string> found = new(StringComparer.Ordinal);
        Walk(model, Kind.Model, 0, found);
        return [.. found];
    }

    /// <summary>As <see cref="Locations"/>; none where the bytes are no message of that format.</summary>
    public static IReadOnlyList<string> LocationsOrNone(ReadOnlySpan<byte> model)
    {
        try
        {
            return Locations(model);
        }
        catch (InvalidDataException)
        {
            return [];
        }
    }

    // Field numbers of onnx.proto: where tensors can be, and in a tensor the entries of its external data.
    private static Kind? Inner(Kind kind, int field) => (kind, field) switch
    {
        (Kind.Model, 7) => Kind.Graph,
        (Kind.Model, 25) => Kind.Function,
        (Kind.Graph, 1) or (Kind.Function, 7) => Kind.Node,
        (Kind.Graph, 5) or (Kind.Attribute, 5 or 10) or (Kind.Sparse, 1 or 2) => Kind.Tensor,
        (Kind.Graph, 15) or (Kind.Attribute, 22 or 23) => Kind.Sparse,
        (Kind.Node, 5) or (Kind.Function, 11) => Kind.Attribute,
        (Kind.Attribute, 6 or 11) => Kind.Graph,
        (Kind.Tensor, 13) => Kind.Entry,
        _ => null,
    };

    private static void Walk(ReadOnlySpan<byte> message, Kind kind, int depth, SortedSet<string> found)
    {
        string key = "", value = "";
        for (int at = 0; at < message.Length;)
        {
            ulong tag = Variable(message, ref at);
            int field = (int)(tag >> 3);
            ulong length = (tag & 7) switch
            {
                0 => 0,
                1 => 8,
                2 => Variable(message, ref at),
                5 => 4,
                _ => throw new InvalidDataException("it is damaged"),
            };
            if ((tag & 7) == 0)
            {
                Variable(message, ref at);
            }
            if (length > (ulong)(message.Length - at) || depth > MaximumDepth)
            {
                throw new InvalidDataException("it is damaged");
            }
            ReadOnlySpan<byte> content = message.Slice(at, (int)length);
            at += (int)length;
            if (kind == Kind.Entry && field is 1 or 2)
            {
                (key, value) = field == 1 ? (Encoding.UTF8.GetString(content), value) : (key, Encoding.UTF8.GetString(content));
            }
            else if ((tag & 7) == 2 && Inner(kind, field) is { } inner)
            {
                Walk(content, inner, depth + 1, found);
            }
        }
        if (key == "location")
        {
            found.Add(value);
        }
    }

    private static ulong Variable(ReadOnlySpan<byte> message, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64 && at < message.Length; shift += 7)
        {
            byte next = message[at++];
            value |= (ulong)(next & 127) << shift;
            if (next < 128)
            {
                return value;
            }
        }
        throw new InvalidDataException("it is damaged");
    }
}
