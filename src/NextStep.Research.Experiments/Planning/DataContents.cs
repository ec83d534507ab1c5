using System.Security.Cryptography;
using System.Text;

namespace NextStep.Research.Experiments;

/// <summary>What a folder of pictures or shards holds: names and bytes.</summary>
internal static class DataContents
{
    public static string Of(DataConfig data)
    {
        string folder = Path.GetFullPath(data.Path ?? "");
        StringBuilder text = new();
        string[] files = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        foreach (string file in files)
        {
            text.Append(Path.GetRelativePath(folder, file)).Append(' ').Append(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))).Append('\n');
        }
        return FormattableString.Invariant($"{files.Length} files, sha256 {StageKey.Hash(text.ToString())}");
    }
}
