using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace NextStep.Research.Notebooks;

/// <summary>
/// All processes that a notebook's cells start, children of children included. The tree of a process loses those whose parent has
/// ended; a group of the system does not, unless a process leaves it on purpose.
/// </summary>
internal static partial class ProcessGroup
{
    private const int Kill = 9; // SIGKILL
    private static readonly TimeSpan Ending = TimeSpan.FromSeconds(5);

    /// <summary>Makes this process the head of a group of its own, which what it starts belongs to.</summary>
    /// <exception cref="Win32Exception">The system refuses.</exception>
    public static void Lead()
    {
        if (!OperatingSystem.IsWindows() && SetGroup(0, 0) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>
    /// Ends a process that leads a group, and the whole group. Does not wait for the ends of the pipes: a process that has left the
    /// group may hold them open.
    /// </summary>
    public static void End(Process leader)
    {
        // A group outlives its leader, and its number is not given to another process as long as it has members.
        bool none = OperatingSystem.IsWindows() || Signal(-leader.Id, Kill) != 0;
        if (none && !leader.HasExited)
        {
            leader.Kill(entireProcessTree: true); // before it led a group
        }
        leader.WaitForExit(Ending);
    }

    [LibraryImport("libc", EntryPoint = "setpgid", SetLastError = true)]
    private static partial int SetGroup(int process, int group);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Signal(int process, int signal);
}
