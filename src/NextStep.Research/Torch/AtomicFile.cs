using System.Text;

namespace NextStep.Research;

/// <summary>Writes files whole or not at all: first under a temporary name in the same folder, then renamed.</summary>
public static class AtomicFile
{
    /// <summary>Writes <paramref name="path"/> through <paramref name="write"/>, creating its folder; the stream can seek.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes its content.</param>
    /// <param name="durable">Whether to wait until it is on the disk: false only for what may be lost in a power cut.</param>
    /// <exception cref="IOException">The disk is full or the folder cannot be written; an older file at the path is left as it was.</exception>
    public static void Write(string path, Action<Stream> write, bool durable = true)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        var whole = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
        var temporary = $"{whole}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(durable);
            }
            File.Move(temporary, whole, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Removes what killed processes left half written in <paramref name="folder"/>; only where nobody else writes.</summary>
    public static void RemoveLeftovers(string folder, SearchOption depth)
    {
        foreach (string file in Directory.EnumerateFiles(folder, "*.tmp", depth).Where(f => Path.GetFileName(f).Split('.') is [.., { Length: 32 } id, _] && id.All(char.IsAsciiHexDigitLower)))
        {
            File.Delete(file);
        }
    }

    /// <summary>Writes <paramref name="text"/> as UTF-8 without a byte order mark.</summary>
    public static void WriteText(string path, string text, bool durable = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)), durable);
    }
}
