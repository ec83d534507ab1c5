using System.Diagnostics;

namespace NextStep.Research.Experiments;

/// <summary>What a program of the system said, <c>git</c> or <c>sbatch</c>. Our own, which are listened to while they run, are started by <see cref="WorkerCommand"/>.</summary>
internal sealed record ProgramReply(int ExitCode, string Output, string Error)
{
    /// <summary>Runs one to its end; both streams are read at once, so that it never waits for us.</summary>
    /// <param name="start">Program, arguments, folder.</param>
    /// <param name="input">What it reads from standard input.</param>
    /// <exception cref="System.ComponentModel.Win32Exception">There is no such program.</exception>
    public static ProgramReply Of(ProcessStartInfo start, string input = "")
    {
        ArgumentNullException.ThrowIfNull(start);
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} could not be started");
        Task<string> error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new ProgramReply(process.ExitCode, output, error.GetAwaiter().GetResult().Trim());
    }
}
