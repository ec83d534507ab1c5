using System.Text;

namespace NextStep.Research.Tests;

/// <summary>ONNX files written field by field (the numbers are those of onnx.proto). Sizes are those of the input x; 0 = an open one.</summary>
internal static class TinyOnnx
{
    /// <summary>y = Relu(x).</summary>
    public static byte[] Relu(params int[] sizes) => Net(sizes, ["y"], Node("Relu", ["x"], "y"));

    /// <summary>y = x·k, one number k that lies in the file <paramref name="weights"/> beside the model.</summary>
    public static byte[] Times(string weights, params int[] sizes) => Net(sizes, ["y"], [Node("Mul", ["x", "k"], "y"), Field(5, External(weights))]);

    /// <summary>What <paramref name="parts"/> (see <see cref="Node"/>) make of x.</summary>
    public static byte[] Net(int[] sizes, string[] outputs, params byte[][] parts)
    {
        byte[] graph = [.. parts.SelectMany(p => p), .. Text(2, "g"), .. Field(11, Value("x", sizes)), .. outputs.SelectMany(o => Field(12, Value(o, null)))];
        return [.. Number(1, 8), .. Field(7, graph), .. Field(8, Number(2, 13))]; // ir_version, graph, opset_import
    }

    public static byte[] Node(string operation, string[] inputs, string output, params byte[][] attributes) =>
        Field(1, [.. inputs.SelectMany(i => Text(1, i)), .. Text(2, output), .. Text(4, operation), .. attributes.SelectMany(a => Field(5, a))]);

    public static byte[] Attribute(string name, int value) => [.. Text(1, name), .. Number(3, value), .. Number(20, 2)];

    public static byte[] Attribute(string name, int[] values) => [.. Text(1, name), .. values.SelectMany(v => Number(8, v)), .. Number(20, 7)];

    // TensorProto: one size, float, name, the entry of external data that says where, and that it lies outside.
    private static byte[] External(string file) =>
        [.. Number(1, 1), .. Number(2, 1), .. Text(8, "k"), .. Field(13, [.. Text(1, "location"), .. Text(2, file)]), .. Number(14, 1)];

    // Float; of an output the sizes are left to the reader.
    private static byte[] Value(string name, int[]? sizes)
    {
        byte[] shape = sizes is null ? [] : Field(2, [.. sizes.SelectMany((s, i) => Field(1, s > 0 ? Number(1, s) : Text(2, $"d{i}")))]);
        return [.. Text(1, name), .. Field(2, Field(1, [.. Number(1, 1), .. shape]))];
    }

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
