using System.Runtime.InteropServices;

namespace NextStep.Research.Experiments;

/// <summary>One content under two names, where the file system has that; else a copy.</summary>
internal static partial class HardLink
{
    /// <summary>Makes <paramref name="target"/>, with its folder, in place of an older one.</summary>
    public static void Make(string source, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.Delete(target);
        bool linked = OperatingSystem.IsWindows() ? CreateHardLink(target, source, 0) : LinkUnix(source, target) == 0;
        if (!linked)
        {
            File.Copy(source, target);
        }
    }

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LinkUnix(string source, string target);

    [LibraryImport("kernel32", EntryPoint = "CreateHardLinkW", StringMarshalling = StringMarshalling.Utf16)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool CreateHardLink(string target, string source, nint reserved);
}
