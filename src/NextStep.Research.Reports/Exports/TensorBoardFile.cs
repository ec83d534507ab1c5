using System.Buffers.Binary;
using System.Numerics;
using Google.Protobuf;
using Tensorboard;

namespace NextStep.Research.Reports;

/// <summary>
/// A TensorBoard event file: records of length, masked CRC-32C of the length, an <c>Event</c> message, masked CRC-32C of it
/// (TFRecord). The messages are TensorBoard's own, generated classes of which come with TorchSharp.
/// </summary>
internal sealed class TensorBoardFile
{
    private readonly Stream _stream;

    public TensorBoardFile(Stream stream, double time)
    {
        _stream = stream;
        Write(new Event { WallTime = time, FileVersion = "brain.Event:2" });
    }

    /// <summary>A point of a curve.</summary>
    public void Scalar(string tag, double value, long step, double time) =>
        Write(new Event { WallTime = time, Step = step, Summary = new Summary { Value = { new Summary.Types.Value { Tag = tag, SimpleValue = (float)value } } } });

    /// <summary>A text, shown as Markdown.</summary>
    public void Text(string tag, string text, double time)
    {
        SummaryMetadata metadata = new() { PluginData = new SummaryMetadata.Types.PluginData { PluginName = "text" } };
        TensorProto tensor = new() { Dtype = DataType.DtString, TensorShape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dim { Size = 1 } } }, StringVal = { ByteString.CopyFromUtf8(text) } };
        Write(new Event { WallTime = time, Summary = new Summary { Value = { new Summary.Types.Value { Tag = tag, Metadata = metadata, Tensor = tensor } } } });
    }

    /// <summary>What the HParams dashboard reads: settings of a run, and that it came to its end.</summary>
    /// <param name="settings">By name.</param>
    /// <param name="group">Runs with this name are repeats.</param>
    /// <param name="began">Seconds since 1970.</param>
    /// <param name="ended">Seconds since 1970.</param>
    public void Hyperparameters(IEnumerable<KeyValuePair<string, string>> settings, string group, double began, double ended)
    {
        Session(HyperparameterEvents.StartTag, HyperparameterEvents.Start(settings, group, began), began);
        Session(HyperparameterEvents.EndTag, HyperparameterEvents.End(ended), ended);
    }

    private void Session(string tag, ByteString content, double time)
    {
        SummaryMetadata metadata = new() { PluginData = new SummaryMetadata.Types.PluginData { PluginName = HyperparameterEvents.Plugin, Content = content } };
        // The dashboard reads the metadata only, but a summary must have a value.
        TensorProto nothing = new() { Dtype = DataType.DtFloat, TensorShape = new TensorShapeProto(), FloatVal = { 0 } };
        Write(new Event { WallTime = time, Summary = new Summary { Value = { new Summary.Types.Value { Tag = tag, Metadata = metadata, Tensor = nothing } } } });
    }

    /// <summary>CRC-32C, rotated and shifted, since data that hold their own sum are weakly protected by it.</summary>
    internal static uint MaskedSum(ReadOnlySpan<byte> data)
    {
        uint sum = uint.MaxValue;
        foreach (byte b in data)
        {
            sum = BitOperations.Crc32C(sum, b);
        }
        sum = ~sum;
        return unchecked(BitOperations.RotateRight(sum, 15) + 0xa282ead8u);
    }

    private void Write(Event record)
    {
        byte[] data = record.ToByteArray();
        Span<byte> head = stackalloc byte[12], sum = stackalloc byte[4];
        BinaryPrimitives.WriteUInt64LittleEndian(head, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[8..], MaskedSum(head[..8]));
        BinaryPrimitives.WriteUInt32LittleEndian(sum, MaskedSum(data));
        _stream.Write(head);
        _stream.Write(data);
        _stream.Write(sum);
    }
}
