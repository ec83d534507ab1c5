using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;

namespace NextStep.Research.Experiments;

/// <summary>Hashes of the files that a value of the configuration names; a file that has not changed is read once a process.</summary>
internal static class FileContents
{
    private static readonly ConcurrentDictionary<string, Lazy<string>> Known = new();
    private static readonly string[] Tokenizer = ["vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json", "special_tokens_map.json", "tokenizer.json"];
    private static readonly string[] Weights = [".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".json"];

    /// <summary>Of a tokenizer's files.</summary>
    public static string OfTokenizer(string folder) => Of(folder, Tokenizer);

    private static string Of(string folder, IEnumerable<string> names) =>
        StageKey.Hash(string.Join('\n', names.Select(n => Path.Combine(folder, n)).Where(File.Exists).Select(f => $"{Path.GetFileName(f)} {Sha256(f)}")));

    /// <summary>Of the weights and settings of a model's folder, those of its autoencoder left out.</summary>
    public static string OfModel(string folder)
    {
        return OfWeights(ReleasedFolder.Resolve(folder));
    }

    /// <summary>Of the weights of an autoencoder's folder, or of the one in a model's folder.</summary>
    public static string OfAutoencoder(string folder) => OfWeights(StartWeights.AutoencoderFolder(folder));

    private static string OfWeights(string folder) =>
        Of(folder, Directory.EnumerateFiles(folder).Where(f => Weights.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase) && Path.GetFileName(f) != "config.json")
            .Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));

    private static string Sha256(string file)
    {
        FileInfo info = new(file);
        return Known.GetOrAdd(string.Create(CultureInfo.InvariantCulture, $"{info.FullName} {info.Length} {info.LastWriteTimeUtc.Ticks}"), _ => new Lazy<string>(() =>
        {
            using FileStream stream = File.OpenRead(file);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        })).Value;
    }
}
