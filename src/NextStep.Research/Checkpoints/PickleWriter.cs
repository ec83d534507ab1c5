using System.Buffers.Binary;
using System.Text;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Writes the one pickle that a state dict needs (protocol 2, no memo): names mapped to tensors over storages 0, 1, 2, ….</summary>
internal sealed class PickleWriter
{
    private readonly MemoryStream _stream = new();

    public static byte[] StateDict(IReadOnlyList<OutgoingTensor> tensors)
    {
        var writer = new PickleWriter();
        writer.Raw([0x80, 2, (byte)'}']);
        writer.Code('(');
        for (var i = 0; i < tensors.Count; i++)
        {
            writer.Text(tensors[i].Name);
            writer.Rebuild(i, tensors[i].Type, tensors[i].Shape);
        }
        writer.Raw("u."u8);
        return writer._stream.ToArray();
    }

    // _rebuild_tensor_v2(storage, 0, shape, strides, requires_grad=False, backward_hooks=OrderedDict())
    private void Rebuild(int index, ScalarType type, long[] shape)
    {
        Global("torch._utils", "_rebuild_tensor_v2");
        Raw("(("u8);
        Text("storage");
        Global("torch", PickledCalls.StorageName(type));
        Text(FormattableString.Invariant($"{index}"));
        Text("cpu");
        Number(TensorDtypes.Product(shape)!.Value);
        Raw("tQ"u8);
        Number(0);
        var strides = new long[shape.Length];
        long stride = 1;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= Math.Max(shape[i], 1);
        }
        Tuple(shape);
        Tuple(strides);
        Code(0x89);
        Global("collections", "OrderedDict");
        Raw(")RtR"u8);
    }

    private void Tuple(long[] numbers)
    {
        Code('(');
        foreach (var number in numbers)
        {
            Number(number);
        }
        Code('t');
    }

    private void Number(long number)
    {
        Span<byte> bytes = stackalloc byte[10];
        if (number is >= 0 and <= int.MaxValue)
        {
            bytes[0] = (byte)'J';
            BinaryPrimitives.WriteInt32LittleEndian(bytes[1..], (int)number);
            Raw(bytes[..5]);
        }
        else
        {
            bytes[0] = 0x8a;
            bytes[1] = 8;
            BinaryPrimitives.WriteInt64LittleEndian(bytes[2..], number);
            Raw(bytes);
        }
    }

    private void Text(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        Span<byte> head = stackalloc byte[5];
        head[0] = (byte)'X';
        BinaryPrimitives.WriteInt32LittleEndian(head[1..], utf8.Length);
        Raw(head);
        Raw(utf8);
    }

    private void Global(string module, string name) => Raw(Encoding.ASCII.GetBytes($"c{module}\n{name}\n"));

    private void Code(int code) => _stream.WriteByte((byte)code);

    private void Raw(ReadOnlySpan<byte> bytes) => _stream.Write(bytes);
}
