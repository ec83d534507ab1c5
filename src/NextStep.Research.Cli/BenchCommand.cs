using System.CommandLine;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep bench</c>: what speed and memory cost, measured here and now.</summary>
internal static class BenchCommand
{
    public static Command Create()
    {
        Command command = new("bench", """
            Measures speed and memory on this machine: the forms used here in turn with the op-by-op form of the same algorithm, and what a plain read, copy and matrix product reach.

            Examples:
              nextstep bench --markdown
              nextstep bench head-1536 picture --rounds 7
              nextstep bench load --released --quantization int4:32 --side 256 --steps 20
            """)
        {
            BenchLoad.Create(),
        };
        BenchRun.AddTo(command);
        return command;
    }
}
