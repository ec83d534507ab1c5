using System.Buffers.Binary;
using System.IO.Hashing;

namespace NextStep.Research.Reports;

/// <summary>A PNG file for inlining.</summary>
/// <param name="Bytes">The file as it is.</param>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
internal sealed record Picture(byte[] Bytes, int Width, int Height)
{
    private const int LargestFile = 8 << 20;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    /// <summary>The same for the same bytes.</summary>
    public UInt128 Id { get; } = XxHash128.HashToUInt128(Bytes);

    /// <summary>For an attribute: its letters need no escape.</summary>
    public Html DataUri => new("data:image/png;base64," + Convert.ToBase64String(Bytes));

    /// <summary>This picture, once it has been decoded to the end.</summary>
    /// <exception cref="InvalidDataException">It cannot be.</exception>
    public Picture Checked()
    {
        using TorchSharp.torch.Tensor pixels = ImageFile.Decode(Bytes, "the picture");
        return this;
    }

    /// <summary>Reads a picture; one that is absent, too large or no PNG gives null and a note with its name.</summary>
    public static Picture? Read(string path, string shownAs, ICollection<string> notes)
    {
        if (!File.Exists(path))
        {
            notes.Add($"{shownAs} is missing.");
            return null;
        }

        if (new FileInfo(path).Length > LargestFile)
        {
            notes.Add($"{shownAs} is larger than {LargestFile >> 20} MB and is not shown.");
            return null;
        }

        byte[] bytes = File.ReadAllBytes(path);
        // Signature, then the IHDR chunk: length, type, width, height. The IEND chunk closes a whole file.
        if (bytes.Length < 45 || !bytes.AsSpan().StartsWith(Signature) || !bytes.AsSpan(12, 4).SequenceEqual("IHDR"u8))
        {
            notes.Add($"{shownAs} is not a PNG picture.");
            return null;
        }

        if (!bytes.AsSpan(bytes.Length - 8, 4).SequenceEqual("IEND"u8))
        {
            notes.Add($"{shownAs} is cut off and is not shown.");
            return null;
        }

        int width = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(16));
        int height = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(20));
        if (width is <= 0 or > 32768 || height is <= 0 or > 32768)
        {
            notes.Add($"{shownAs} says that it is {width}×{height} pixels; it is not shown.");
            return null;
        }

        return new Picture(bytes, width, height);
    }
}
