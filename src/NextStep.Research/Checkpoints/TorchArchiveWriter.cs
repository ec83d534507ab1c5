using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace NextStep.Research;

/// <summary>
/// Writes a torch archive: stored members, each beginning at a multiple of 64 bytes as torch aligns them, ZIP64 where a size or offset needs it.
/// The bytes depend on the tensors alone.
/// </summary>
internal static class TorchArchiveWriter
{
    private const string Root = "archive";
    private const int Alignment = 64;
    private const ushort PaddingField = 0x4246; // "FB", the extra field that torch pads with

    public static void Write(string path, IEnumerable<OutgoingTensor> tensors)
    {
        var ordered = tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal).ToArray();
        var pickle = PickleWriter.StateDict(ordered);
        AtomicFile.Write(path, stream =>
        {
            var members = new List<Member>
            {
                Append(stream, "data.pkl", pickle.LongLength, use => use(pickle)),
                Append(stream, "byteorder", 6, use => use("little"u8)),
            };
            for (var i = 0; i < ordered.Length; i++)
            {
                members.Add(Append(stream, $"data/{i}", ordered[i].ByteLength, ordered[i].WriteTo));
            }
            members.Add(Append(stream, "version", 2, use => use("3\n"u8)));
            AppendDirectory(stream, members);
        });
    }

    private static Member Append(Stream stream, string name, long length, Action<ByteSink> produce)
    {
        var full = Encoding.UTF8.GetBytes($"{Root}/{name}");
        var start = stream.Position;
        var wide = length >= uint.MaxValue;
        var extra = wide ? 20 : 0;
        var padding = Alignment - ((start + 30 + full.Length + extra + 4) % Alignment);
        var header = new byte[30 + full.Length + extra + 4 + padding];
        stream.Position = start + header.Length;
        var crc = new Crc32();
        produce(piece =>
        {
            crc.Append(piece);
            stream.Write(piece);
        });
        var end = stream.Position;
        var member = new Member(full, start, length, crc.GetCurrentHashAsUInt32());
        FillLocal(header, member, wide, (ushort)padding);
        stream.Position = start;
        stream.Write(header);
        stream.Position = end;
        return member;
    }

    private static void FillLocal(Span<byte> header, Member member, bool wide, ushort padding)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, 0x04034b50);
        FillCommon(header[4..], member, wide, wide ? uint.MaxValue : (uint)member.Length);
        member.Name.CopyTo(header[30..]);
        var extra = header[(30 + member.Name.Length)..];
        BinaryPrimitives.WriteUInt16LittleEndian(header[28..], (ushort)extra.Length);
        if (wide)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(extra, 1);
            BinaryPrimitives.WriteUInt16LittleEndian(extra[2..], 16);
            BinaryPrimitives.WriteInt64LittleEndian(extra[4..], member.Length);
            BinaryPrimitives.WriteInt64LittleEndian(extra[12..], member.Length);
            extra = extra[20..];
        }
        BinaryPrimitives.WriteUInt16LittleEndian(extra, PaddingField);
        BinaryPrimitives.WriteUInt16LittleEndian(extra[2..], padding);
        extra[4..].Fill((byte)'Z');
    }

    // version, flags (UTF-8 names), method 0, time, date (1 January 1980), checksum, two sizes, length of the name
    private static void FillCommon(Span<byte> fields, Member member, bool wide, uint length)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(fields, (ushort)(wide ? 45 : 20));
        BinaryPrimitives.WriteUInt16LittleEndian(fields[2..], 0x0800);
        BinaryPrimitives.WriteUInt16LittleEndian(fields[8..], 0x21);
        BinaryPrimitives.WriteUInt32LittleEndian(fields[10..], member.Crc);
        BinaryPrimitives.WriteUInt32LittleEndian(fields[14..], length);
        BinaryPrimitives.WriteUInt32LittleEndian(fields[18..], length);
        BinaryPrimitives.WriteUInt16LittleEndian(fields[22..], (ushort)member.Name.Length);
    }

    private static void AppendDirectory(Stream stream, List<Member> members)
    {
        var start = stream.Position;
        foreach (var member in members)
        {
            var wide = member.Length >= uint.MaxValue || member.Start >= uint.MaxValue;
            var entry = new byte[46 + member.Name.Length + (wide ? 28 : 0)];
            BinaryPrimitives.WriteUInt32LittleEndian(entry, 0x02014b50);
            FillCommon(entry.AsSpan(6), member, wide, wide ? uint.MaxValue : (uint)member.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(42), wide ? uint.MaxValue : (uint)member.Start);
            member.Name.CopyTo(entry.AsSpan(46));
            if (wide)
            {
                var extra = entry.AsSpan(46 + member.Name.Length);
                BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(30), 28);
                BinaryPrimitives.WriteUInt16LittleEndian(extra, 1);
                BinaryPrimitives.WriteUInt16LittleEndian(extra[2..], 24);
                BinaryPrimitives.WriteInt64LittleEndian(extra[4..], member.Length);
                BinaryPrimitives.WriteInt64LittleEndian(extra[12..], member.Length);
                BinaryPrimitives.WriteInt64LittleEndian(extra[20..], member.Start);
            }
            stream.Write(entry);
        }
        AppendEnd(stream, members.Count, stream.Position - start, start);
    }

    private static void AppendEnd(Stream stream, int count, long size, long start)
    {
        var wide = start >= uint.MaxValue || size >= uint.MaxValue || count >= ushort.MaxValue;
        if (wide)
        {
            var end64 = stream.Position;
            Span<byte> record = stackalloc byte[76];
            record.Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(record, 0x06064b50);
            BinaryPrimitives.WriteInt64LittleEndian(record[4..], 44);
            BinaryPrimitives.WriteUInt16LittleEndian(record[12..], 45);
            BinaryPrimitives.WriteUInt16LittleEndian(record[14..], 45);
            BinaryPrimitives.WriteInt64LittleEndian(record[24..], count);
            BinaryPrimitives.WriteInt64LittleEndian(record[32..], count);
            BinaryPrimitives.WriteInt64LittleEndian(record[40..], size);
            BinaryPrimitives.WriteInt64LittleEndian(record[48..], start);
            BinaryPrimitives.WriteUInt32LittleEndian(record[56..], 0x07064b50);
            BinaryPrimitives.WriteInt64LittleEndian(record[64..], end64);
            BinaryPrimitives.WriteInt32LittleEndian(record[72..], 1);
            stream.Write(record);
        }
        Span<byte> end = stackalloc byte[22];
        end.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(end, 0x06054b50);
        BinaryPrimitives.WriteUInt16LittleEndian(end[8..], wide ? ushort.MaxValue : (ushort)count);
        BinaryPrimitives.WriteUInt16LittleEndian(end[10..], wide ? ushort.MaxValue : (ushort)count);
        BinaryPrimitives.WriteUInt32LittleEndian(end[12..], wide ? uint.MaxValue : (uint)size);
        BinaryPrimitives.WriteUInt32LittleEndian(end[16..], wide ? uint.MaxValue : (uint)start);
        stream.Write(end);
    }

    private sealed record Member(byte[] Name, long Start, long Length, uint Crc);
}
