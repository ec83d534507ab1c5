using System.Security.Cryptography;

namespace NextStep.Research;

/// <summary>What the files of a data folder are, by name, and what is found out about each.</summary>
internal static class SourceFiles
{
    /// <summary>Whether the name is that of a shard that can be read.</summary>
    public static bool IsShard(string name) => name.EndsWith(".tar", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the name is that of a compressed shard, which is not read.</summary>
    public static bool IsCompressedShard(string name) =>
        new[] { ".tar.gz", ".tgz", ".tar.zst", ".tar.bz2", ".tar.xz", ".tar.lz4" }.Any(e => name.EndsWith(e, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether a folder source reads it: a picture, a caption or a table of captions.</summary>
    public static bool IsRead(string name) => ImageFile.HasImageExtension(name) || CaptionFile.IsTable(name) || CaptionFile.IsSide(name);

    /// <summary>Hash and, of a picture, size and whether it is whole.</summary>
    public static FileFacts Look(FolderFile file)
    {
        if (ImageFile.HasImageExtension(file.Name))
        {
            return LookAtPicture(file);
        }
        using FileStream stream = File.OpenRead(file.Path);
        return new FileFacts(Convert.ToHexStringLower(SHA256.HashData(stream)), 0, 0, null);
    }

    /// <summary>The same of a file that is to be a picture, whatever it is called.</summary>
    public static FileFacts LookAtPicture(FolderFile file)
    {
        if (file.Bytes > ImageFile.MaximumBytes)
        {
            using FileStream stream = File.OpenRead(file.Path);
            return new FileFacts(Convert.ToHexStringLower(SHA256.HashData(stream)), 0, 0, $"is larger than {ImageFile.MaximumBytes >> 20} MB");
        }
        byte[] bytes = File.ReadAllBytes(file.Path);
        return PictureProbe.Of(bytes, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }
}
