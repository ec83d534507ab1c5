using System.Text;

namespace NextStep.Research.Cli;

/// <summary>
/// A terminal that may go away: what is written afterwards has no reader and is dropped, so that a sweep saves its checkpoint
/// instead of failing at the next line it prints.
/// </summary>
internal sealed class HangupWriter(TextWriter terminal) : TextWriter
{
    private const int InputOutputError = 5; // EIO: the other end of the terminal is closed

    public override Encoding Encoding => terminal.Encoding;

    /// <summary>Puts it before those of the console's streams that are a terminal.</summary>
    public static void Install()
    {
        if (!OperatingSystem.IsWindows() && !Console.IsOutputRedirected)
        {
            Console.SetOut(new HangupWriter(Console.Out));
        }
        if (!OperatingSystem.IsWindows() && !Console.IsErrorRedirected)
        {
            Console.SetError(new HangupWriter(Console.Error));
        }
    }

    public override void Write(char value) => Try(() => terminal.Write(value));

    public override void Write(char[] buffer, int index, int count) => Try(() => terminal.Write(buffer, index, count));

    public override void Write(string? value) => Try(() => terminal.Write(value));

    public override void Flush() => Try(terminal.Flush);

    private static void Try(Action write)
    {
        try
        {
            write();
        }
        catch (IOException e) when (e.HResult == InputOutputError)
        {
            // Nobody reads it.
        }
    }
}
