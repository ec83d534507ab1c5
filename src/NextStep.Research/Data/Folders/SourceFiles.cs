using System.Security.Cryptography;

namespace NextStep.Research;

/// <summary>What the files of a data folder are, by name, and what is found out about each.</summary>
internal static class SourceFiles
{
    private static readonly string[] Containers = [".zip", ".rar", ".7z", ".gz", ".zst", ".parquet", ".arrow", ".h5", ".hdf5", ".lmdb", ".mdb", ".tfrecord", ".npz", ".jsonl", ".csv", ".tsv", ".xlsx"];

    // Not opened: pipes and devices have no length either, and who opens a pipe waits for somebody to write.
    private static readonly FileFacts Nothing = new(Convert.ToHexStringLower(SHA256.HashData([])), 0, 0, PlaceholderFile.Describe([], 0));

    // Captions are short: with them in the index, opening a folder again opens none of its files.
    private const int KeptBytes = 4096;

    /// <summary>Whether the name is that of a shard that can be read.</summary>
    public static bool IsShard(string name) => name.EndsWith(".tar", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the name is that of a compressed shard, which is not read.</summary>
    public static bool IsCompressedShard(string name) =>
        new[] { ".tar.gz", ".tgz", ".tar.zst", ".tar.bz2", ".tar.xz", ".tar.lz4" }.Any(e => name.EndsWith(e, StringComparison.OrdinalIgnoreCase));

    /// <summary>The reason for which such a file is not used.</summary>
    public const string Unpack = $"is in a form that is not read: unpack it to pictures with captions beside them, or with {CaptionFile.Name}";

    /// <summary>Whether the name is that of an archive or table that may hold pictures or captions, in a form that no source reads.</summary>
    public static bool IsUnreadContainer(string name) =>
        !IsCompressedShard(name) && Containers.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase) && !CaptionFile.IsTable(name) && !CaptionFile.IsUnreadTable(name);

    /// <summary>Whether a folder source reads it: a picture, a caption or a table of captions.</summary>
    public static bool IsRead(string name) => ImageFile.HasImageExtension(name) || CaptionFile.IsTable(name) || CaptionFile.IsSide(name);

    /// <summary>Hash and, of a picture, size and whether it is whole.</summary>
    public static FileFacts Look(FolderFile file)
    {
        if (ImageFile.HasImageExtension(file.Name))
        {
            return LookAtPicture(file);
        }
        if (file.Bytes == 0)
        {
            return Nothing with { Content = [] };
        }
        if (file.Bytes is > 0 and <= KeptBytes)
        {
            byte[] bytes = File.ReadAllBytes(file.Path);
            return new FileFacts(Convert.ToHexStringLower(SHA256.HashData(bytes)), 0, 0, null) { Content = bytes };
        }
        using FileStream stream = File.OpenRead(file.Path);
        return new FileFacts(Convert.ToHexStringLower(SHA256.HashData(stream)), 0, 0, null);
    }

    /// <summary>The same of a file that is to be a picture, whatever it is called.</summary>
    public static FileFacts LookAtPicture(FolderFile file)
    {
        if (file.Bytes == 0)
        {
            return Nothing;
        }
        if (file.Bytes > ImageFile.MaximumBytes)
        {
            using FileStream stream = File.OpenRead(file.Path);
            return new FileFacts(Convert.ToHexStringLower(SHA256.HashData(stream)), 0, 0, $"is larger than {ImageFile.MaximumBytes >> 20} MB");
        }
        byte[] bytes = File.ReadAllBytes(file.Path);
        return PictureProbe.Of(bytes, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }
}
