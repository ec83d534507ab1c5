namespace NextStep.Research.Experiments;

/// <summary>Makes a folder's files survive a power cut before something else says that they are there.</summary>
internal static class DiskFlush
{
    /// <summary>Returns when the contents of all files below <paramref name="folder"/> are on the disk.</summary>
    public static void Files(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle handle = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            RandomAccess.FlushToDisk(handle);
        }
    }
}
