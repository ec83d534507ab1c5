using System.Text;
using System.Text.RegularExpressions;

namespace NextStep.Research;

/// <summary>What lies where a file should be when a download or a clone went wrong: Git LFS pointers, pages and messages of servers, nothing at all.</summary>
internal static partial class PlaceholderFile
{
    /// <summary>Bytes at the beginning of a file that are enough to know it.</summary>
    public const int Head = 1024;

    /// <summary>What is wrong with the file and how to mend it, as the rest of a sentence after its name; null for anything else, and where there is no file.</summary>
    public static string? Describe(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        byte[] head = new byte[Math.Min(Head, stream.Length)];
        stream.ReadExactly(head);
        return Describe(head, stream.Length);
    }

    /// <summary>As <see cref="Describe(string)"/>, of a file that may hold any text: only a Git LFS pointer and a page of a server are none that was meant.</summary>
    public static string? DescribePointer(ReadOnlySpan<byte> head)
    {
        string text = Text(head);
        return IsPointer(text) || IsPage(text) ? Describe(head, head.Length) : null;
    }

    /// <summary>As <see cref="Describe(string)"/>, of the first bytes (up to <see cref="Head"/> count) of a file of <paramref name="length"/> bytes.</summary>
    public static string? Describe(ReadOnlySpan<byte> head, long length)
    {
        if (length == 0)
        {
            return "is empty; download or copy it again";
        }
        string text = Text(head);
        if (IsPointer(text))
        {
            string size = PointerSize().Match(text) is { Success: true } match ? $" to {match.Groups[1].Value} bytes" : "";
            return $"is a Git LFS pointer{size}, not the file itself; fetch it with: git lfs pull";
        }
        if (IsPage(text))
        {
            string title = Title().Match(text) is { Success: true } match ? $" (\"{match.Groups[1].Value.Trim()}\")" : "";
            return $"is an HTML page{title}, which a server sent instead of the file; download it again, logged in where that is needed";
        }
        if (text.StartsWith("<?xml", StringComparison.OrdinalIgnoreCase) || text.StartsWith("<Error>", StringComparison.Ordinal))
        {
            return $"is an XML message of a server ({Start(text)}), not the file; download it again";
        }
        if (text.StartsWith('{') && ServerError().IsMatch(text))
        {
            return $"is a JSON message of a server ({Start(text)}), not the file; download it again, logged in where that is needed";
        }
        bool printable = length <= head.Length && text.Length > 0 && !text.StartsWith('{') && !text.StartsWith('[') && text.All(c => c is >= ' ' and <= '~' or '\r' or '\n' or '\t');
        return printable ? $"is a text of {length} bytes ({Start(text)}), not the file; download it again" : null;
    }

    private static string Text(ReadOnlySpan<byte> head) => Encoding.UTF8.GetString(head[..Math.Min(head.Length, Head)]).TrimStart('\uFEFF', ' ', '\t', '\r', '\n');

    private static bool IsPointer(string text) => text.StartsWith("version https://git-lfs", StringComparison.Ordinal) || text.StartsWith("version https://hawser", StringComparison.Ordinal);

    private static bool IsPage(string text) => text.StartsWith("<!doctype html", StringComparison.OrdinalIgnoreCase) || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase);

    private static string Start(string text)
    {
        string line = text.ReplaceLineEndings(" ").Trim();
        return line.Length <= 80 ? line : line[..80] + "…";
    }

    [GeneratedRegex(@"^size (\d{1,18})\s*$", RegexOptions.Multiline)]
    private static partial Regex PointerSize();

    [GeneratedRegex("<title>([^<]{1,80})", RegexOptions.IgnoreCase)]
    private static partial Regex Title();

    [GeneratedRegex("""^\{\s*"(error|message|detail|errors|status|code)"\s*:""", RegexOptions.IgnoreCase)]
    private static partial Regex ServerError();
}
