using System.Diagnostics;
using System.Globalization;
using NextStep.Research.Cli;

namespace NextStep.Research.Experiments.Tests;

[Collection(nameof(CommandLine))]
public sealed class InterruptTests
{
    [Theory]
    [InlineData("HUP")]
    [InlineData("USR2")]
    public void A_terminal_that_goes_away_asks_to_stop_and_may_say_so_twice(string signal)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends signals");
        using Interrupt interrupt = new();
        using ManualResetEventSlim asked = new();
        using CancellationTokenRegistration registration = interrupt.Token.Register(asked.Set);
        Send(signal);
        Assert.True(asked.Wait(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken), "the signal did not arrive; a program begun with nohup ignores SIGHUP");
        Send(signal); // had it its usual effect, this process would end
    }

    private static void Send(string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    [Fact]
    public void What_is_written_after_the_terminal_has_gone_is_dropped_and_other_faults_are_not()
    {
        using FailingWriter terminal = new();
        using HangupWriter writer = new(terminal);
        terminal.Failure = 5; // EIO
        writer.WriteLine("a line");
        writer.Write(['a', 'b'], 0, 2);
        writer.Flush();
        terminal.Failure = 28; // ENOSPC
        Assert.Throws<IOException>(() => writer.WriteLine("a line"));
    }

    private sealed class FailingWriter : StringWriter
    {
        public int Failure { get; set; }

        public override void Write(char value) => throw new IOException("no such terminal", Failure);

        public override void Write(char[] buffer, int index, int count) => Write('x');

        public override void Write(string? value) => Write('x');

        public override void Flush() => Write('x');
    }
}
