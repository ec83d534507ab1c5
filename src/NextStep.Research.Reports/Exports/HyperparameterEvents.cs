using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace NextStep.Research.Reports;

/// <summary>
/// The messages of TensorBoard's HParams dashboard (<c>HParamsPluginData</c> of its plugin_data.proto), of which TorchSharp brings no
/// classes: a start with the settings and the name of the group that repeats belong to, and an end.
/// </summary>
internal static class HyperparameterEvents
{
    public const string Plugin = "hparams";
    public const string StartTag = "_hparams_/session_start_info";
    public const string EndTag = "_hparams_/session_end_info";
    private const int Success = 1;

    /// <summary>The content of a session's start.</summary>
    /// <param name="settings">Texts, shown as numbers where they are such.</param>
    /// <param name="group">Sessions of a group are repeats; the dashboard shows their mean.</param>
    /// <param name="time">Seconds since 1970.</param>
    public static ByteString Start(IEnumerable<KeyValuePair<string, string>> settings, string group, double time) => Message(data => data.Field(3, start =>
    {
        foreach ((string path, string text) in settings)
        {
            Value value = double.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? Value.ForNumber(number)
                : text is "true" or "false" ? Value.ForBool(text == "true") : Value.ForString(text);
            start.Field(1, entry =>
            {
                entry.Text(1, path);
                entry.Bytes(2, value.ToByteString());
            });
        }
        start.Text(4, group);
        start.Number(5, time);
    }));

    /// <summary>The content of a session's end.</summary>
    public static ByteString End(double time) => Message(data => data.Field(4, end =>
    {
        end.Whole(1, Success);
        end.Number(2, time);
    }));

    private static ByteString Message(Action<Fields> write)
    {
        Fields fields = new();
        write(fields);
        return fields.Content();
    }

    private sealed class Fields
    {
        private readonly MemoryStream _stream = new();

        public void Field(int number, Action<Fields> write) => Bytes(number, Message(write));

        public void Text(int number, string text) => Bytes(number, ByteString.CopyFromUtf8(text));

        public void Bytes(int number, ByteString bytes) => Put(number, WireFormat.WireType.LengthDelimited, o => o.WriteBytes(bytes));

        public void Number(int number, double value) => Put(number, WireFormat.WireType.Fixed64, o => o.WriteDouble(value));

        public void Whole(int number, int value) => Put(number, WireFormat.WireType.Varint, o => o.WriteInt32(value));

        public ByteString Content() => ByteString.CopyFrom(_stream.ToArray());

        private void Put(int number, WireFormat.WireType type, Action<CodedOutputStream> write)
        {
            using CodedOutputStream output = new(_stream, leaveOpen: true);
            output.WriteTag(number, type);
            write(output);
        }
    }
}
