namespace NextStep.Research;

/// <summary>Brings the pictures of a folder together with their captions.</summary>
internal sealed class FolderReader(DataConfig config, FolderFiles files, FileIndex index)
{
    private readonly string _folder = ImageSources.FolderOf(config);
    private readonly Dictionary<string, FolderFile> _byName = files.Files.ToDictionary(f => f.Name, StringComparer.Ordinal);
    private readonly FileSamples _found = new([], []);

    /// <exception cref="InvalidDataException">There are no pictures at all.</exception>
    public FileSamples Read()
    {
        FolderFile[] pictures = [.. files.Files.Where(f => ImageFile.HasImageExtension(f.Name))];
        FolderFile[] tables = [.. files.Files.Where(f => CaptionFile.IsTable(f.Name)).GroupBy(f => FolderOf(f.Name)).SelectMany(Ruling)];
        if (pictures.Length == 0 && tables.Length == 0)
        {
            string[] others = [.. files.Files.Where(f => ImageFile.HasUnreadExtension(f.Name) || SourceFiles.IsShard(f.Name) || SourceFiles.IsUnreadContainer(f.Name)).Select(f => f.Name)];
            throw new InvalidDataException(
                $"The data folder '{config.Path}' holds no pictures ({string.Join(", ", ImageFile.Extensions)}){(others.Length > 0 ? $"; {others.Length} files like {others[0]} are not read by a folder source" : "")}.");
        }
        HashSet<string> named = new(StringComparer.Ordinal);
        foreach (FolderFile table in tables)
        {
            ReadTable(table, named);
        }
        ReadSides([.. pictures.Where(p => !named.Contains(p.Name))], tables);
        ReportOthers();
        return _found;
    }

    // Of two tables in a folder, captions.jsonl counts.
    private IEnumerable<FolderFile> Ruling(IEnumerable<FolderFile> tables)
    {
        FolderFile[] sorted = [.. tables.OrderBy(t => t.Name, StringComparer.Ordinal)];
        _found.Unread.AddRange(sorted.Skip(1).Select(t => new UnreadablePicture(t.Name, $"{CaptionFile.Name} beside it is read instead")));
        return sorted.Take(1);
    }

    private void ReadTable(FolderFile table, HashSet<string> named)
    {
        string prefix = FolderOf(table.Name);
        foreach (CaptionLine line in CaptionFile.Read(table, config.CaptionField, _found.Unread))
        {
            if (Find(prefix, line.Image, out string? problem) is { } picture)
            {
                named.Add(picture.Name);
                _found.Add(picture.Name, line.Caption, picture, 0, picture.Bytes, config, $" ({table.Name}:{line.Number})");
            }
            else
            {
                _found.Unread.Add(new UnreadablePicture(prefix + line.Image, problem!));
            }
        }
    }

    // A name may be absolute, hold dots, or have the separators of Windows; what leads out of the folder is refused.
    private FolderFile? Find(string prefix, string name, out string? problem)
    {
        problem = null;
        foreach (string candidate in (string[])[name, name.Replace('\\', '/')])
        {
            string full = Path.GetFullPath(Path.Combine(_folder, prefix, candidate));
            string? relative = Inside(_folder, full) ?? Inside(DataPath.Real(_folder), full);
            if (relative is null)
            {
                problem = "lies outside the data folder: link it into the folder";
            }
            else if (_byName.TryGetValue(relative, out FolderFile? file))
            {
                return ImageFile.HasUnreadExtension(relative) ? Refuse(relative, out problem) : file;
            }
            else if (File.Exists(full))
            {
                FileInfo linked = new(DataPath.Real(full)); // listed under another name, or hidden and asked for
                return new FolderFile(relative, linked.FullName, linked.Length, linked.LastWriteTimeUtc);
            }
        }
        problem ??= "there is no such file";
        return null;
    }

    private static FolderFile? Refuse(string name, out string? problem)
    {
        problem = NotRead(name);
        return null;
    }

    private static string? Inside(string folder, string full) => full.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? full[(folder.Length + 1)..].Replace('\\', '/') : null;

    private void ReadSides(FolderFile[] pictures, FolderFile[] tables)
    {
        string[] ruled = [.. tables.Select(t => FolderOf(t.Name))];
        ILookup<string, FolderFile> sides = files.Files.Where(f => CaptionFile.IsSide(f.Name) && !CaptionFile.IsUnreadTable(f.Name)).ToLookup(f => StemOf(f.Name), StringComparer.Ordinal);
        FolderFile[] captions = [.. sides.SelectMany(s => s)];
        Dictionary<string, byte[]?> kept = captions.Zip(index.Facts(captions, SourceFiles.Look)).ToDictionary(c => c.First.Path, c => c.Second.Content, StringComparer.Ordinal);
        HashSet<string> used = new(StringComparer.Ordinal);
        foreach (FolderFile picture in pictures)
        {
            used.Add(StemOf(picture.Name));
            used.Add(picture.Name);
            if (ruled.FirstOrDefault(r => picture.Name.StartsWith(r, StringComparison.Ordinal)) is { } rule)
            {
                _found.Unread.Add(new UnreadablePicture(picture.Name, $"no line of the table in {(rule.Length == 0 ? "this folder" : rule)} names it"));
                continue;
            }
            // a.txt of a.png, or a.png.txt
            FolderFile[] own = [.. sides[StemOf(picture.Name)]];
            Dictionary<string, byte[]?> fields = [];
            try
            {
                foreach (FolderFile side in own.Length > 0 ? own : [.. sides[picture.Name]])
                {
                    fields.TryAdd(Path.GetExtension(side.Name).ToLowerInvariant(),
                        side.Bytes > CaptionText.MaximumBytes ? null : kept.GetValueOrDefault(side.Path) ?? File.ReadAllBytes(side.Path));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _found.Unread.Add(new UnreadablePicture(picture.Name, "the caption file cannot be opened"));
                continue;
            }
            CaptionText caption = fields.Count == 0 ? CaptionText.None with { Problem = "there is no caption file beside it" } : CaptionFile.First(fields, config.CaptionField);
            _found.Add(picture.Name, caption, picture, 0, picture.Bytes, config);
        }
        if (tables.Length == 0)
        {
            _found.Unread.AddRange(sides.Where(s => !used.Contains(s.Key)).SelectMany(s => s).Where(s => !s.Name.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
                .Select(s => new UnreadablePicture(s.Name, "there is no picture beside this caption")));
        }
    }

    private void ReportOthers()
    {
        foreach (FolderFile file in files.Files)
        {
            string? reason = ImageFile.HasUnreadExtension(file.Name) ? NotRead(file.Name)
                : SourceFiles.IsShard(file.Name) || SourceFiles.IsCompressedShard(file.Name) ? "shards are read with data.source: webdataset"
                : CaptionFile.IsUnreadTable(file.Name) ? $"tables of captions are read from {CaptionFile.Name} or metadata.jsonl"
                : SourceFiles.IsUnreadContainer(file.Name) ? SourceFiles.Unpack
                : null;
            if (reason is not null)
            {
                _found.Unread.Add(new UnreadablePicture(file.Name, reason));
            }
        }
    }

    private static string NotRead(string name) => $"{Path.GetExtension(name).ToLowerInvariant()} pictures are not read: convert them to PNG or JPEG";

    private static string FolderOf(string name) => name[..(name.LastIndexOf('/') + 1)];

    private static string StemOf(string name) => name[..^Path.GetExtension(name).Length];
}
