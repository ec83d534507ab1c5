using System.Security.Cryptography;
using System.Text;

namespace NextStep.Research;

/// <summary>A file that a source reads.</summary>
/// <param name="Name">Relative to the data folder, with forward slashes.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Modified">When it was changed last, UTC.</param>
/// <param name="Sha256">Of its bytes, lower-case hexadecimal.</param>
internal sealed record SourceFile(string Name, long Bytes, DateTime Modified, string Sha256);

/// <summary>
/// Which data a source reads: pictures, caption files and tables of a folder, or shards. Equal hashes mean the same names with the same bytes,
/// wherever the folder lies. Bytes are read once and then known by path, length and time of change.
/// </summary>
/// <param name="Hash">32 hexadecimal digits over names and bytes; the source's name where the pictures are made by the program or inside of it.</param>
/// <param name="Files">By name; empty where no files are read.</param>
internal sealed record SourceIdentity(string Hash, IReadOnlyList<SourceFile> Files)
{
    internal static SourceIdentity Of(DataConfig config)
    {
        if (!config.Source.ReadsFolder)
        {
            return new SourceIdentity(ComponentCatalog.NameOf(config.Source.GetType()), []);
        }
        string folder = ImageSources.FolderOf(config);
        FolderFile[] files = [.. FolderFiles.Of(folder).Files.Where(f => config.Source == DataSource.Webdataset ? SourceFiles.IsShard(f.Name) : SourceFiles.IsRead(f.Name))];
        FileIndex index = FileIndex.Of(folder);
        FileFacts[] facts = index.Facts(files, SourceFiles.Look);
        index.Save();
        int unknown = Array.FindIndex(facts, f => f.Sha256.Length == 0);
        if (unknown >= 0)
        {
            throw new InvalidDataException($"The data file '{files[unknown].Path}' cannot be read: {facts[unknown].Problem}");
        }
        StringBuilder all = new();
        for (int i = 0; i < files.Length; i++)
        {
            all.Append(files[i].Name).Append('\0').Append(facts[i].Sha256).Append('\n');
        }
        return new SourceIdentity(
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all.ToString())))[..32],
            [.. files.Zip(facts, (f, k) => new SourceFile(f.Name, f.Bytes, f.Modified, k.Sha256))]);
    }
}
