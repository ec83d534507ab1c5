using System.IO.Hashing;
using System.Text;

namespace NextStep.Research.Reports;

/// <summary>Folders for arms, whose names may hold anything.</summary>
internal static class FolderNames
{
    private const int Longest = 80;

    /// <summary>
    /// The arm's name where every file system takes it, else what it takes of it with a hash of the whole: different for every arm,
    /// and the same whatever other arms there are.
    /// </summary>
    public static string Of(string arm)
    {
        string safe = string.Concat(arm.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '=' or ',' ? c : '_'));
        safe = safe.Length > Longest ? safe[..Longest] : safe;
        return safe == arm && safe.Trim('.').Length > 0 && !safe.EndsWith('.') ? safe : $"{safe.TrimEnd('.')}-{Hash(arm)}";
    }

    /// <summary>For every arm of a run: names that differ in capitals only get their hashes too, since some file systems take them for one.</summary>
    public static IReadOnlyDictionary<string, string> Of(IEnumerable<string> arms) =>
        arms.GroupBy(Of, StringComparer.OrdinalIgnoreCase).SelectMany(g => g.Select(arm => (arm, Name: g.Count() == 1 ? g.Key : $"{Of(arm)}-{Hash(arm)}"))).ToDictionary(n => n.arm, n => n.Name);

    private static string Hash(string arm) => Convert.ToHexStringLower(XxHash3.Hash(Encoding.UTF8.GetBytes(arm)))[..8];
}
