using System.Buffers.Binary;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>A <c>.safetensors</c> file: memory-mapped reading and whole-file writing (format: 8-byte header length, JSON header, values).</summary>
internal sealed class SafetensorsFile : TensorSource
{
    private readonly MappedFile _file;

    private SafetensorsFile(MappedFile file, SafetensorsHeader header)
    {
        _file = file;
        Entries = header.Entries;
        Metadata = header.Metadata;
    }

    /// <inheritdoc/>
    public override string Path => _file.Path;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Maps the file and checks its whole header; no value is read.</summary>
    /// <exception cref="InvalidDataException">The file is truncated or its header is not consistent; the message names the file and the fault.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = new MappedFile(path);
        try
        {
            file.RefusePlaceholder();
            return new SafetensorsFile(file, SafetensorsHeader.Read(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override Tensor Read(string name)
    {
        var entry = Find(name);
        var stored = TensorDtypes.Find(entry.StoredType)
            ?? throw new InvalidDataException($"{Path}: tensor '{name}' is stored as {entry.StoredType}, a dtype that this kit does not know.");
        if (stored.Type == ScalarType.Bool)
        {
            CheckBooleans(entry);
        }
        return _file.Tensor(entry.Offset, [.. entry.Shape], stored);
    }

    /// <inheritdoc/>
    internal override unsafe Tensor ReadInto(WeightMemory memory, string name, ScalarType? dtype)
    {
        const int Piece = 1 << 26;
        var entry = Find(name);
        if (TensorDtypes.Find(entry.StoredType) is not { Direct: true } stored || stored.Type == ScalarType.Bool || stored.Type != (dtype ?? stored.Type) || entry.ByteLength == 0)
        {
            return base.ReadInto(memory, name, dtype);
        }
        var own = memory.Take([.. entry.Shape], stored.Type);
        var address = (byte*)TensorMemory.Address(own);
        for (long done = 0; done < entry.ByteLength; done += Piece)
        {
            _file.Read(entry.Offset + done, new Span<byte>(address + done, (int)Math.Min(Piece, entry.ByteLength - done)));
        }
        return own;
    }

    /// <inheritdoc/>
    public override void Release(string name)
    {
        var entry = Find(name);
        _file.Release(entry.Offset, entry.ByteLength);
    }

    /// <summary>
    /// Writes tensors of any device and layout, streamed, under a temporary name first. The bytes depend on the contents alone:
    /// values are ordered by falling width, which keeps each aligned, then by name (ordinal); metadata by key.
    /// </summary>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        Write(path, OutgoingTensor.From(tensors), metadata);
    }

    internal static void Write(string path, IEnumerable<OutgoingTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var ordered = tensors.OrderByDescending(tensor => TensorDtypes.Width(tensor.Type)).ThenBy(tensor => tensor.Name, StringComparer.Ordinal).ToArray();
        var header = SafetensorsHeader.Serialize(ordered, metadata);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach (var tensor in ordered)
            {
                tensor.WriteTo(stream.Write);
            }
        });
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _file.Dispose();

    // A C++ bool that is neither 0 nor 1 is undefined behaviour; nothing but a damaged file holds one.
    private void CheckBooleans(TensorEntry entry)
    {
        const int Piece = 1 << 20;
        for (long done = 0; done < entry.ByteLength; done += Piece)
        {
            if (_file.Span(entry.Offset + done, (int)Math.Min(Piece, entry.ByteLength - done)).ContainsAnyExceptInRange((byte)0, (byte)1))
            {
                throw new InvalidDataException($"{Path}: tensor '{entry.Name}' is BOOL but holds a byte that is neither 0 nor 1.");
            }
        }
    }
}
