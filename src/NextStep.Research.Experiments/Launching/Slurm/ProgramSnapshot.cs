using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace NextStep.Research.Experiments;

/// <summary>The program as it was when a sweep was submitted: tasks that start days later must not run what was built meanwhile.</summary>
internal static class ProgramSnapshot
{
    // libtorch: half a gigabyte that no build writes into; linked. All else a build may overwrite in place, so it is copied.
    private const long Linked = 8 << 20;

    /// <summary>Puts a program's folder below <paramref name="folder"/>, once for every state of it, and returns how to start it there.</summary>
    public static WorkerCommand Take(WorkerCommand command, string folder)
    {
        string main = command.Entry.Count > 0 ? command.Entry[0] : command.Program;
        string source = Path.GetDirectoryName(Path.GetFullPath(main))!;
        (string Relative, FileInfo File)[] files = [.. Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(f => (Path.GetRelativePath(source, f), new FileInfo(f)))];
        string state = string.Join('\n', files.Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Relative} {f.File.Length} {f.File.LastWriteTimeUtc.Ticks}")));
        string target = Path.Combine(folder, $"program-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(state)))[..12]}");
        if (!Directory.Exists(target))
        {
            string partial = $"{target}.{Guid.NewGuid():N}";
            foreach ((string relative, FileInfo file) in files)
            {
                string copy = Path.Combine(partial, relative);
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                if (file.Length > Linked)
                {
                    HardLink.Make(file.FullName, copy);
                }
                else
                {
                    file.CopyTo(copy);
                }
            }
            Directory.Move(partial, target);
        }
        string moved = Path.Combine(target, Path.GetFileName(main));
        return command.Entry.Count > 0 ? command with { Entry = [moved] } : command with { Program = moved };
    }
}
