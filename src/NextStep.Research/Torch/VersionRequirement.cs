#nullable enable
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace NextStep.Research;

/// <summary>
/// The symbol-version requirements of an ELF library, and how one of them is marked weak.
/// libLibTorchSharp.so 0.107.0 asks for GLIBCXX_3.4.32 although no relocation uses it; on a machine with an older
/// libstdc++ the dynamic loader refuses the file unless that one requirement carries VER_FLG_WEAK.
/// This file is compiled twice: into the library (for <c>nextstep doctor</c>) and into the build task of
/// <c>buildTransitive/NextStep.Research.targets</c>.
/// </summary>
internal static class VersionRequirement
{
    public const string Symbol = "GLIBCXX_3.4.32";
    private const uint SectionVersionNeeded = 0x6ffffffe;
    private const int FlagWeak = 2;

    /// <summary>What a library says about <see cref="Symbol"/>.</summary>
    public enum State { NotRequired, Required, Weak }

    /// <summary>Reads the requirement of <paramref name="file"/>; throws <see cref="InvalidDataException"/> when it is no 64-bit little-endian ELF.</summary>
    public static State Read(string file)
    {
        byte[] image = File.ReadAllBytes(file);
        int flags = FindFlags(image, file);
        return flags < 0 ? State.NotRequired : (BitConverter.ToUInt16(image, flags) & FlagWeak) != 0 ? State.Weak : State.Required;
    }

    /// <summary>
    /// Marks the requirement weak. The file is written under a temporary name and renamed, so a hard link to a package
    /// cache is replaced and never written through. Returns false when there was nothing to do.
    /// </summary>
    public static bool Relax(string file)
    {
        byte[] image = File.ReadAllBytes(file);
        int flags = FindFlags(image, file);
        if (flags < 0 || (BitConverter.ToUInt16(image, flags) & FlagWeak) != 0)
        {
            return false;
        }
        image[flags] |= FlagWeak;
        DateTime written = File.GetLastWriteTimeUtc(file);
        string temporary = file + "." + Guid.NewGuid().ToString("N") + ".tmp";
        File.WriteAllBytes(temporary, image);
        // The same time and size as the original, so that an incremental build does not copy it again.
        File.SetLastWriteTimeUtc(temporary, written);
        File.Delete(file);
        File.Move(temporary, file);
        return true;
    }

    /// <summary>The libstdc++ that the loader would take, or null when none is in the usual places.</summary>
    public static string? FindStandardLibrary()
    {
        List<string> folders = new List<string>();
        folders.AddRange((Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? "").Split(new[] { ':' }, StringSplitOptions.RemoveEmptyEntries));
        folders.AddRange(new[] { "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib", "/lib" });
        foreach (string folder in folders)
        {
            string candidate = Path.Combine(folder, "libstdc++.so.6");
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }
        return null;
    }

    /// <summary>True when the machine's libstdc++ offers <see cref="Symbol"/>, so that nothing needs to be relaxed.</summary>
    public static bool IsMetByThisMachine()
    {
        string? library = FindStandardLibrary();
        return library != null && IndexOf(File.ReadAllBytes(library), Encoding.ASCII.GetBytes(Symbol + "\0")) >= 0;
    }

    private static int FindFlags(byte[] image, string file)
    {
        try
        {
            if (image.Length < 64 || image[0] != 0x7f || image[1] != 'E' || image[2] != 'L' || image[3] != 'F' || image[4] != 2 || image[5] != 1)
            {
                throw new InvalidDataException(file + " is not a 64-bit little-endian ELF library.");
            }
            long sections = BitConverter.ToInt64(image, 0x28);
            int size = BitConverter.ToUInt16(image, 0x3a), count = BitConverter.ToUInt16(image, 0x3c);
            for (int i = 0; i < count; i++)
            {
                int header = checked((int)(sections + (long)i * size));
                if (BitConverter.ToUInt32(image, header + 4) != SectionVersionNeeded)
                {
                    continue;
                }
                int strings = checked((int)(sections + (long)BitConverter.ToUInt32(image, header + 40) * size));
                long names = BitConverter.ToInt64(image, strings + 24);
                int found = WalkNeeds(image, checked((int)BitConverter.ToInt64(image, header + 24)), names);
                if (found >= 0)
                {
                    return found;
                }
            }
            return -1;
        }
        catch (Exception e) when (e is ArgumentException || e is OverflowException || e is IndexOutOfRangeException)
        {
            throw new InvalidDataException(file + " is a damaged ELF library: " + e.Message, e);
        }
    }

    private static int WalkNeeds(byte[] image, int need, long names)
    {
        while (true)
        {
            int auxiliary = checked(need + (int)BitConverter.ToUInt32(image, need + 8));
            while (true)
            {
                int name = checked((int)(names + BitConverter.ToUInt32(image, auxiliary + 8)));
                if (Matches(image, name, Symbol))
                {
                    return auxiliary + 4;
                }
                uint next = BitConverter.ToUInt32(image, auxiliary + 12);
                if (next == 0)
                {
                    break;
                }
                auxiliary = checked(auxiliary + (int)next);
            }
            uint following = BitConverter.ToUInt32(image, need + 12);
            if (following == 0)
            {
                return -1;
            }
            need = checked(need + (int)following);
        }
    }

    private static bool Matches(byte[] image, int offset, string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (image[offset + i] != text[i])
            {
                return false;
            }
        }
        return image[offset + text.Length] == 0;
    }

    private static int IndexOf(byte[] haystack, byte[] needle)
    {
        for (int i = 0; i + needle.Length <= haystack.Length; i++)
        {
            int j = 0;
            while (j < needle.Length && haystack[i + j] == needle[j])
            {
                j++;
            }
            if (j == needle.Length)
            {
                return i;
            }
        }
        return -1;
    }
}

#if !NEXTSTEP_LIBRARY
/// <summary>The build task: relaxes every given library, on a machine that needs it.</summary>
public sealed class RelaxVersionRequirement : Microsoft.Build.Utilities.Task
{
    [Microsoft.Build.Framework.Required]
    public Microsoft.Build.Framework.ITaskItem[] Libraries { get; set; } = new Microsoft.Build.Framework.ITaskItem[0];

    public override bool Execute()
    {
        if (VersionRequirement.IsMetByThisMachine())
        {
            return true;
        }
        foreach (Microsoft.Build.Framework.ITaskItem library in Libraries)
        {
            try
            {
                if (VersionRequirement.Relax(library.ItemSpec))
                {
                    Log.LogMessage(Microsoft.Build.Framework.MessageImportance.High, "marked " + VersionRequirement.Symbol + " weak in " + library.ItemSpec);
                }
            }
            catch (Exception e) when (e is IOException || e is UnauthorizedAccessException)
            {
                Log.LogError("cannot relax " + library.ItemSpec + ": " + e.Message);
            }
        }
        return !Log.HasLoggedErrors;
    }
}
#endif
