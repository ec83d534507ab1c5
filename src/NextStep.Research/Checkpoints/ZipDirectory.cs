using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace NextStep.Research;

/// <summary>One member of a zip file: where its bytes lie.</summary>
/// <param name="Name">With its folders.</param>
/// <param name="Offset">Of its first byte in the file.</param>
/// <param name="Packed">Bytes in the file; those of the member itself where it is stored.</param>
/// <param name="Length">Bytes of the member.</param>
/// <param name="Crc">CRC-32 of those; 0 = never computed.</param>
/// <param name="Deflated">Whether it is compressed.</param>
internal sealed record ZipMember(string Name, long Offset, long Packed, long Length, uint Crc, bool Deflated);

/// <summary>
/// The directory of a zip file whose members are stored, as <c>torch.save</c> writes them (ZIP64 included), or deflated, as TorchSharp.PyBridge does. Encrypted,
/// overlapping and repeated members are refused, and none claims more than deflate can unfold from its bytes.
/// </summary>
internal static class ZipDirectory
{
    private const int MaximumMembers = 1_000_000, Deflate = 8, MostUnfolded = 1032; // bytes that deflate makes of one, at most
    private const uint EndSignature = 0x06054b50, End64Locator = 0x07064b50, End64Signature = 0x06064b50, CentralSignature = 0x02014b50, LocalSignature = 0x04034b50;

    /// <exception cref="InvalidDataException">Not such a zip file; the message names the file and the fault.</exception>
    public static IReadOnlyDictionary<string, ZipMember> Read(MappedFile file)
    {
        var (count, size, start) = FindEnd(file);
        Require(file, count <= MaximumMembers && count * 46 <= size, $"its directory claims {count} members in {size} bytes");
        var members = new Dictionary<string, ZipMember>(StringComparer.Ordinal);
        var ranges = new List<(long Begin, long End, string Name)>();
        var at = start;
        for (long i = 0; i < count; i++)
        {
            var fixedPart = Take(file, at, 46);
            Require(file, U32(fixedPart, 0) == CentralSignature, $"directory entry {i} is damaged");
            int nameLength = U16(fixedPart, 28), extraLength = U16(fixedPart, 30), commentLength = U16(fixedPart, 32);
            var name = Encoding.UTF8.GetString(Take(file, at + 46, nameLength));
            var header = new Central(U16(fixedPart, 8), U16(fixedPart, 10), U32(fixedPart, 16), U32(fixedPart, 20), U32(fixedPart, 24), U32(fixedPart, 42));
            header = Widen(file, name, header, Take(file, at + 46 + nameLength, extraLength));
            Require(file, (header.Method == 0 && header.Packed == header.Length) || (header.Method == Deflate && header.Length <= (header.Packed + 16) * MostUnfolded),
                $"member '{name}' is compressed in a way that is not read, or claims {header.Length} bytes from {header.Packed}");
            Require(file, (header.Flags & 1) == 0, $"member '{name}' is encrypted");
            var data = DataOffset(file, name, header.LocalOffset);
            Require(file, header.Packed <= start - data, $"member '{name}' runs past the end of the file");
            Require(file, members.TryAdd(name, new ZipMember(name, data, header.Packed, header.Length, header.Crc, header.Method == Deflate)), $"member '{name}' stands there twice");
            ranges.Add((header.LocalOffset, data + header.Packed, name));
            at += 46 + nameLength + extraLength + commentLength;
        }
        ranges.Sort();
        for (var i = 1; i < ranges.Count; i++)
        {
            Require(file, ranges[i].Begin >= ranges[i - 1].End, $"members '{ranges[i - 1].Name}' and '{ranges[i].Name}' overlap");
        }
        return members;
    }

    /// <summary>Compares a member with its checksum; 0 stands for a checksum that was never computed.</summary>
    public static void Verify(MappedFile file, ZipMember member)
    {
        if (member.Crc == 0 || member.Deflated) // unpacking checks it
        {
            return;
        }
        const int Piece = 1 << 24;
        var crc = new Crc32();
        for (long done = 0; done < member.Length; done += Piece)
        {
            crc.Append(file.Span(member.Offset + done, (int)Math.Min(Piece, member.Length - done)));
        }
        Require(file, crc.GetCurrentHashAsUInt32() == member.Crc, $"member '{member.Name}' does not have the checksum it claims; the file is damaged");
    }

    private static (long Count, long Size, long Start) FindEnd(MappedFile file)
    {
        var tailLength = (int)Math.Min(file.Length, 22 + ushort.MaxValue);
        var tail = file.Span(file.Length - tailLength, tailLength);
        for (var at = tailLength - 22; at >= 0; at--)
        {
            if (U32(tail, at) != EndSignature || U16(tail, at + 20) != tailLength - at - 22)
            {
                continue;
            }
            long count = U16(tail, at + 10), size = U32(tail, at + 12), start = U32(tail, at + 16);
            var end = file.Length - tailLength + at;
            if (end >= 20 && U32(Take(file, end - 20, 20), 0) == End64Locator)
            {
                end = Long(file, Take(file, end - 20, 20), 8);
                var wide = Take(file, end, 56);
                Require(file, U32(wide, 0) == End64Signature, "its ZIP64 directory is damaged");
                (count, size, start) = (Long(file, wide, 32), Long(file, wide, 40), Long(file, wide, 48));
            }
            Require(file, start <= end && size <= end - start, "its directory lies outside the file; truncated");
            return (count, size, start);
        }
        throw new InvalidDataException($"{file.Path}: not a zip file, or truncated: it has no directory. (torch before 1.6 saved plain pickles, which are not read.)");
    }

    // Sizes and offsets of 2³² − 1 are placeholders for 8-byte values in the extra field 0x0001.
    private static Central Widen(MappedFile file, string name, Central header, ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            int id = U16(extra, 0), length = U16(extra, 2);
            Require(file, length <= extra.Length - 4, $"member '{name}' has a damaged extra field");
            if (id == 1)
            {
                var field = extra.Slice(4, length);
                var at = 0;
                header = header with { Length = Next(file, header.Length, field, ref at) };
                header = header with { Packed = Next(file, header.Packed, field, ref at) };
                return header with { LocalOffset = Next(file, header.LocalOffset, field, ref at) };
            }
            extra = extra[(4 + length)..];
        }
        return header;
    }

    private static long Next(MappedFile file, long narrow, ReadOnlySpan<byte> field, ref int at)
    {
        if (narrow != uint.MaxValue)
        {
            return narrow;
        }
        Require(file, field.Length - at >= 8, "a ZIP64 field is too short");
        at += 8;
        return Long(file, field, at - 8);
    }

    private static long DataOffset(MappedFile file, string name, long local)
    {
        var header = Take(file, local, 30);
        Require(file, U32(header, 0) == LocalSignature, $"member '{name}' has no header where the directory says");
        return local + 30 + U16(header, 26) + U16(header, 28);
    }

    private static ReadOnlySpan<byte> Take(MappedFile file, long offset, int count) => file.Span(offset, count);

    private static ushort U16(ReadOnlySpan<byte> span, int at) => BinaryPrimitives.ReadUInt16LittleEndian(span[at..]);

    private static uint U32(ReadOnlySpan<byte> span, int at) => BinaryPrimitives.ReadUInt32LittleEndian(span[at..]);

    private static long Long(MappedFile file, ReadOnlySpan<byte> span, int at)
    {
        var value = BinaryPrimitives.ReadInt64LittleEndian(span[at..]);
        Require(file, value >= 0 && value <= file.Length, $"a ZIP64 value of {value} does not fit the file");
        return value;
    }

    private static void Require(MappedFile file, bool condition, string fault)
    {
        if (!condition)
        {
            throw new InvalidDataException($"{file.Path}: as a zip file: {fault}.");
        }
    }

    private sealed record Central(ushort Flags, ushort Method, uint Crc, long Packed, long Length, long LocalOffset);
}
