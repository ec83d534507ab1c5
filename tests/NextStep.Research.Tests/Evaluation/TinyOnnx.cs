using System.Text;

namespace NextStep.Research.Tests;

/// <summary>An ONNX file written field by field: y = Relu(x), x and y float [n, 3, side, side].</summary>
internal static class TinyOnnx
{
    public static byte[] Relu(int? side)
    {
        byte[] node = [.. Text(1, "x"), .. Text(2, "y"), .. Text(4, "Relu")];
        byte[] graph = [.. Field(1, node), .. Text(2, "g"), .. Field(11, Value("x", side)), .. Field(12, Value("y", side))];
        return [.. Number(1, 8), .. Field(7, graph), .. Field(8, Number(2, 13))]; // ir_version, graph, opset_import
    }

    private static byte[] Value(string name, int? side)
    {
        byte[] shape = [.. Field(1, Text(2, "n")), .. Field(1, Number(1, 3)), .. Side(side, "h"), .. Side(side, "w")];
        byte[] tensor = [.. Number(1, 1), .. Field(2, shape)]; // float
        return [.. Text(1, name), .. Field(2, Field(1, tensor))];
    }

    private static byte[] Side(int? side, string name) => Field(1, side is { } s ? Number(1, s) : Text(2, name));

    private static byte[] Text(int field, string text) => Field(field, Encoding.UTF8.GetBytes(text));

    private static byte[] Field(int field, byte[] content) => [.. Variable((field << 3) | 2), .. Variable(content.Length), .. content];

    private static byte[] Number(int field, int value) => [.. Variable(field << 3), .. Variable(value)];

    private static byte[] Variable(int value)
    {
        List<byte> bytes = [];
        for (; value > 127; value >>= 7)
        {
            bytes.Add((byte)(value | 128));
        }
        return [.. bytes, (byte)value];
    }
}
