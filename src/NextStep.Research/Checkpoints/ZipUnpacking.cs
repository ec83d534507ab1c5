using System.IO.Compression;
using System.IO.Hashing;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The bytes of deflated members: as many as the directory says, with the checksum that it says, or an error.</summary>
internal static unsafe class ZipUnpacking
{
    private const int Piece = 1 << 20;

    /// <summary>A whole member, stored or deflated, for small ones.</summary>
    /// <exception cref="InvalidDataException">Not what the directory claims.</exception>
    public static byte[] Bytes(MappedFile file, ZipMember member)
    {
        if (!member.Deflated)
        {
            return file.Span(member.Offset, checked((int)member.Length)).ToArray();
        }
        byte[] bytes = new byte[checked((int)member.Length)];
        fixed (byte* start = bytes)
        {
            Fill(file, member, start);
        }
        return bytes;
    }

    /// <summary>The values of a deflated member as a vector.</summary>
    /// <exception cref="InvalidDataException">Not what the directory claims.</exception>
    public static Tensor Values(MappedFile file, ZipMember member, StoredDtype stored)
    {
        Tensor values = empty(member.Length * 8 / stored.Bits, dtype: stored.Type);
        try
        {
            if (stored.Direct)
            {
                Fill(file, member, (byte*)TensorMemory.Address(values));
                return values;
            }
            using Tensor packed = empty(member.Length, dtype: ScalarType.Byte);
            byte* address = (byte*)TensorMemory.Address(packed);
            Fill(file, member, address);
            SmallNumbers.Fill(values, stored.Name, stored.Bits, address);
            return values;
        }
        catch
        {
            values.Dispose();
            throw;
        }
    }

    private static void Fill(MappedFile file, ZipMember member, byte* target)
    {
        using Stream packed = file.Stream(member.Offset, member.Packed);
        using DeflateStream unpacked = new(packed, CompressionMode.Decompress);
        Crc32 crc = new();
        for (long done = 0; done < member.Length;)
        {
            Span<byte> part = new(target + done, (int)Math.Min(Piece, member.Length - done));
            int read = Read(file, member, unpacked, part);
            Require(file, member, read > 0);
            crc.Append(part[..read]);
            done += read;
        }
        Require(file, member, Read(file, member, unpacked, stackalloc byte[1]) == 0 && (member.Crc == 0 || crc.GetCurrentHashAsUInt32() == member.Crc));
    }

    private static int Read(MappedFile file, ZipMember member, DeflateStream stream, Span<byte> part)
    {
        try
        {
            return stream.Read(part);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{file.Path}: as a zip file: member '{member.Name}' is damaged: {e.Message}", e);
        }
    }

    private static void Require(MappedFile file, ZipMember member, bool condition)
    {
        if (!condition)
        {
            throw new InvalidDataException($"{file.Path}: as a zip file: member '{member.Name}' does not unpack to the {member.Length} bytes and the checksum that it claims; the file is damaged.");
        }
    }
}
