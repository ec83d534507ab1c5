using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace NextStep.Research.Experiments;

/// <summary>The source tree that a program was built in, under git.</summary>
/// <param name="Folder">Its root.</param>
/// <param name="Commit">What the program was built from.</param>
internal sealed record SourceTree(string Folder, string Commit)
{
    /// <summary>What stands for changes where there are none.</summary>
    public const string NoChanges = "none";

    // What "nextstep reproduce" writes into the tree is made by the program and no part of it.
    private static readonly string[] Sources = ["--", ".", ":(exclude)experiments/results", ":(exclude)experiments/pictures"];

    private const string Solution = "NextStep.Research.sln";
    private const int LargestDifference = 4 << 20;
    private const int LargestFile = 256 << 10;

    /// <summary>The commit that the running program's build noted; null where it had none.</summary>
    public static string? BuiltFrom { get; } = (Assembly.GetEntryAssembly() ?? typeof(SourceTree).Assembly)
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+') is [_, { Length: > 0 } commit] ? commit : null;

    /// <summary>That of the program that runs; null where it lies elsewhere, as in a Slurm snapshot.</summary>
    public static SourceTree? OfProgram => Find(AppContext.BaseDirectory);

    /// <summary>Committed files that differ from the commit, and new ones that git does not ignore, without the results of claims, kept once for every state of them; null where git cannot tell.</summary>
    /// <returns><see cref="NoChanges"/>, or where they are kept, with their hash.</returns>
    public string? KeepChanges(RunFolder folder)
    {
        if (Git(Folder, ["diff", Commit, "--no-ext-diff", .. Sources]) is not { } difference || Git(Folder, ["ls-files", "--others", "--exclude-standard", "-z", .. Sources]) is not { } untracked)
        {
            return null;
        }
        string all = difference + string.Concat(untracked.Split('\0', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal).Select(Show));
        if (all.Length == 0)
        {
            return NoChanges;
        }
        string hash = Provenance.Hash(all), name = $"provenance/{hash}.diff", file = Path.Combine(folder.Path, name);
        bool cut = all.Length > LargestDifference;
        if (!File.Exists(file))
        {
            AtomicFile.WriteText(file, cut ? all[..LargestDifference] + $"\n[cut after {LargestDifference >> 20} MB]\n" : all);
        }
        return $"uncommitted, {name}{(cut ? ", cut" : "")}, sha256 {hash}";
    }

    private static SourceTree? Find(string place)
    {
        DirectoryInfo? root = new(place);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, Solution)))
        {
            root = root.Parent;
        }
        return root is not null && (BuiltFrom ?? Git(root.FullName, "rev-parse", "HEAD")?.Trim()) is { Length: > 0 } commit ? new SourceTree(root.FullName, commit) : null;
    }

    // Text as git would add it; of anything else its size and hash.
    private string Show(string name)
    {
        string file = Path.Combine(Folder, name);
        if (!File.Exists(file))
        {
            return "";
        }
        byte[] bytes = new FileInfo(file).Length <= LargestFile ? File.ReadAllBytes(file) : [0];
        string shown = bytes.Contains((byte)0)
            ? string.Create(CultureInfo.InvariantCulture, $"[{new FileInfo(file).Length} bytes, sha256 {HashOf(file)}]\n")
            : string.Concat(Encoding.UTF8.GetString(bytes).TrimEnd('\n').Split('\n').Select(l => $"+{l}\n"));
        return $"new file {name}\n{shown}";
    }

    private static string HashOf(string file)
    {
        using FileStream stream = File.OpenRead(file);
        return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(stream))[..16];
    }

    private static string? Git(string folder, params string[] arguments)
    {
        try
        {
            ProgramReply reply = ProgramReply.Of(new ProcessStartInfo("git", arguments) { WorkingDirectory = folder });
            return reply.ExitCode == 0 ? reply.Output : null;
        }
        catch (Win32Exception)
        {
            return null; // no git on this machine
        }
    }
}
