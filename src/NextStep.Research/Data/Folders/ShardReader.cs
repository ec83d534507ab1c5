using System.Formats.Tar;

namespace NextStep.Research;

/// <summary>Brings the pictures of shards together with their captions, sample by sample; one bad record costs one sample.</summary>
internal sealed class ShardReader(DataConfig config, FolderFiles files)
{
    private readonly FileSamples _found = new([], []);

    /// <exception cref="InvalidDataException">There are no shards that can be read.</exception>
    public FileSamples Read()
    {
        FolderFile[] shards = [.. files.Files.Where(f => SourceFiles.IsShard(f.Name))];
        FolderFile[] compressed = [.. files.Files.Where(f => SourceFiles.IsCompressedShard(f.Name))];
        if (shards.Length == 0)
        {
            throw new InvalidDataException($"The data folder '{config.Path}' holds no .tar shards{(compressed.Length > 0 ? $"; {compressed.Length} compressed ones ({compressed[0].Name}) are not read: unpack them to .tar" : "")}.");
        }
        _found.Unread.AddRange(compressed.Select(c => new UnreadablePicture(c.Name, "compressed shards are not read: unpack them to .tar")));
        _found.Unread.AddRange(files.Files.Where(f => SourceFiles.IsUnreadContainer(f.Name)).Select(f => new UnreadablePicture(f.Name, SourceFiles.Unpack)));
        _found.Unread.AddRange(files.Files.Where(f => ImageFile.HasImageExtension(f.Name) || ImageFile.HasUnreadExtension(f.Name))
            .Select(f => new UnreadablePicture(f.Name, "lies beside the shards: pictures in files are read with data.source: folder")));
        FileSamples[] each = new FileSamples[shards.Length];
        Parallel.For(0, shards.Length, i => each[i] = new Shard(shards[i], config).Read());
        foreach (FileSamples one in each)
        {
            _found.Samples.AddRange(one.Samples);
            _found.Unread.AddRange(one.Unread);
        }
        return _found;
    }

    private sealed class Shard(FolderFile file, DataConfig config)
    {
        private const int TarBlock = 512;

        private readonly Dictionary<string, Record> _records = new(StringComparer.Ordinal);
        private readonly List<Record> _order = [];
        private readonly FileSamples _found = new([], []);

        public FileSamples Read()
        {
            try
            {
                if ((file.Bytes == 0 ? PlaceholderFile.Describe([], 0) : PlaceholderFile.Describe(file.Path)) is { } fault)
                {
                    _found.Unread.Add(new UnreadablePicture(file.Name, fault));
                    return _found;
                }
                using FileStream stream = File.OpenRead(file.Path);
                if (Compression(stream) is { } kind)
                {
                    _found.Unread.Add(new UnreadablePicture(file.Name, $"is compressed ({kind}): unpack it to .tar"));
                    return _found;
                }
                // Shards that were joined by cat: after the end of one archive another may follow.
                while (ToNextArchive(stream))
                {
                    using TarReader reader = new(stream, leaveOpen: true);
                    while (reader.GetNextEntry() is { } entry)
                    {
                        Take(entry);
                    }
                }
                if (_order.Count == 0 && _found.Unread.Count == 0)
                {
                    _found.Unread.Add(new UnreadablePicture(file.Name, "the shard holds no pictures"));
                }
            }
            catch (Exception e) when (e is InvalidDataException or IOException or FormatException or UnauthorizedAccessException or ArgumentException)
            {
                _found.Unread.Add(new UnreadablePicture(file.Name, $"the shard is damaged after {_order.Count} samples: {e.Message}"));
            }
            foreach (Record record in _order)
            {
                Finish(record);
            }
            return _found;
        }

        private static string? Compression(FileStream stream)
        {
            Span<byte> head = stackalloc byte[6];
            head = head[..stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
            stream.Position = 0;
            return head.StartsWith<byte>([0x1F, 0x8B]) ? "gzip"
                : head.StartsWith<byte>([0x28, 0xB5, 0x2F, 0xFD]) ? "zstd"
                : head.StartsWith("BZh"u8) ? "bzip2"
                : head.StartsWith<byte>([0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]) ? "xz"
                : null;
        }

        // Moves past the empty blocks that end an archive and fill it up; false at the end of the file.
        private static bool ToNextArchive(FileStream stream)
        {
            byte[] block = new byte[TarBlock];
            stream.Position = (stream.Position + TarBlock - 1) / TarBlock * TarBlock;
            while (stream.ReadAtLeast(block, TarBlock, throwOnEndOfStream: false) is > 0 and int read)
            {
                if (block.AsSpan(0, read).ContainsAnyExcept((byte)0))
                {
                    stream.Position -= read;
                    return true;
                }
            }
            return false;
        }

        private void Take(TarEntry entry)
        {
            string name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
            if (entry.EntryType is TarEntryType.Directory or TarEntryType.GlobalExtendedAttributes || name.Split('/').Any(FolderFiles.IsHidden))
            {
                return;
            }
            int dot = name.IndexOf('.', name.LastIndexOf('/') + 1);
            string key = dot < 0 ? name : name[..dot], field = dot < 0 ? "" : name[dot..].ToLowerInvariant(), id = $"{file.Name}/{name}";
            bool picture = ImageFile.HasImageExtension(name), side = CaptionFile.Sides.Contains(field);
            if (ImageFile.HasUnreadExtension(name))
            {
                _found.Unread.Add(new UnreadablePicture(id, $"{Path.GetExtension(name).ToLowerInvariant()} pictures are not read: convert them to PNG or JPEG"));
                return;
            }
            if (!picture && !side)
            {
                return;
            }
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile))
            {
                _found.Unread.Add(new UnreadablePicture(id, "is a link or a special file inside of the shard: pack the files themselves"));
                return;
            }
            if (!_records.TryGetValue(key, out Record? record))
            {
                _order.Add(_records[key] = record = new Record(key));
            }
            if (!record.Names.Add(field))
            {
                _found.Unread.Add(new UnreadablePicture(id, "stands twice in its shard: the first one is used"));
            }
            else if (side)
            {
                record.Fields[field] = ReadText(entry);
            }
            else
            {
                record.Pictures.Add((field, id, entry.DataOffset, entry.Length));
            }
        }

        private static byte[]? ReadText(TarEntry entry)
        {
            if (entry.Length > CaptionText.MaximumBytes)
            {
                return null;
            }
            byte[] bytes = new byte[entry.Length];
            entry.DataStream?.ReadExactly(bytes);
            return bytes;
        }

        private void Finish(Record record)
        {
            int chosen = record.Pictures.FindIndex(p => ImageFile.Extensions.Contains(p.Field));
            for (int i = 0; i < record.Pictures.Count; i++)
            {
                (string field, string id, long offset, long length) = record.Pictures[i];
                if (i == chosen)
                {
                    _found.Add(id, record.Fields.Count == 0 ? CaptionText.None with { Problem = "there is no caption of the same name" } : CaptionFile.First(record.Fields, config.CaptionField), file, offset, length, config);
                }
                else
                {
                    _found.Unread.Add(new UnreadablePicture(id, ImageFile.Extensions.Contains(field)
                        ? "its sample has another picture, which is used"
                        : $"{field[1..]} is another field of its sample: a picture is called like its caption up to the first dot"));
                }
            }
            if (record.Pictures.Count == 0)
            {
                _found.Unread.Add(new UnreadablePicture($"{file.Name}/{record.Key}", "there is no picture of the same name"));
            }
        }
    }

    private sealed record Record(string Key)
    {
        public HashSet<string> Names { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, byte[]?> Fields { get; } = [];

        public List<(string Field, string Id, long Offset, long Length)> Pictures { get; } = [];
    }
}
