using System.CommandLine;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep replay</c>: runs the step again in which a cell failed.</summary>
internal static class ReplayCommand
{
    public static Command Create()
    {
        Argument<string> directory = SharedOptions.RunFolder();
        Argument<string> key = new("CELL") { Description = "The cell's key, as status shows it." };
        Command command = new("replay", """
            Runs the step again in which a cell failed, from the state before it, in a temporary folder.
            Exit code 1: it fails again; 0: this time it does not.

            Examples:
              nextstep replay runs/quickstart 93d01fae46bc7b12
              NEXTSTEP_DEBUG=1 nextstep replay runs/noise-strength 0f3c5d7781a2be94
            """)
        {
            directory, key,
        };
        command.SetAction(parse =>
        {
            RunFolder folder = new(parse.GetRequiredValue(directory));
            string wanted = parse.GetRequiredValue(key);
            PlannedCell cell = folder.RequirePlan().Cells.FirstOrDefault(c => c.Key == wanted) ?? throw new InvalidDataException($"{folder.Path} has no cell {wanted}");
            RunComponents.Open(folder, folder.RequirePlan());
            TorchBackend.EnsureUsable();
            DataConsole.Show(DataReport.Of([(cell.Arm, CellConfigs.Read(folder, cell, StandardStages.All))]));
            using Interrupt interrupt = new();
            (CellFailure packed, Exception? again) = FailureCapsule.Replay(folder, cell, StandardStages.All, interrupt.Token);
            AnsiConsole.WriteLine($"{cell.Label}, stage {packed.Stage}{(packed.StepNumber is { } step ? $", step {step}" : "")}");
            AnsiConsole.WriteLine($"  then: {packed.Type}: {packed.Message}");
            if (packed.BatchIds.Count > 0)
            {
                AnsiConsole.WriteLine($"  pictures: {string.Join(", ", packed.BatchIds)}");
            }
            bool trace = Environment.GetEnvironmentVariable("NEXTSTEP_DEBUG") == "1";
            AnsiConsole.WriteLine($"  now:  {(again is null ? "no failure" : trace ? again.ToString() : $"{again.GetType().Name}: {again.Message}")}");
            return again is null ? 0 : 1;
        });
        return command;
    }
}
