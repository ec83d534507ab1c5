using System.CommandLine;

namespace NextStep.Research.Cli;

/// <summary>The commands of <c>nextstep</c>, in the order of its help.</summary>
internal static class Commands
{
    /// <summary>All of them; each is made when it is wanted, because options of every type cost a short command more than reading its own.</summary>
    public static IReadOnlyList<(string Name, Func<Command> Create)> All { get; } =
    [
        ("doctor", DoctorCommand.Create),
        ("plan", PlanCommand.Create),
        ("sweep", SweepCommand.Create),
        ("reproduce", ReproduceCommand.Create),
        ("speedrun", SpeedrunCommand.Create),
        ("work", WorkCommand.Create),
        ("replay", ReplayCommand.Create),
        ("status", StatusCommand.Create),
        ("compare", CompareCommand.Create),
        ("export", ExportCommand.Create),
        ("note", NoteCommand.Create),
        ("gc", GcCommand.Create),
        ("report", ReportCommand.Create),
        ("train", TrainCommand.Create),
        ("parity", ParityCommand.Create),
        ("generate", GenerateCommand.Create),
        ("edit", GenerateCommand.CreateEdit),
        ("evaluate", EvaluateCommand.Create),
        ("artifacts", ArtifactsCommand.Create),
        ("inspect", InspectCommand.Create),
        ("convert", ConvertCommand.Create),
        ("drift", DriftCommand.Create),
        ("data", DataCommand.Create),
        ("bench", BenchCommand.Create),
        ("notebook", NotebookCommand.Create),
    ];

    /// <summary>The one that a command line begins with; all, where it begins with anything else: help, an option, a name that is none.</summary>
    public static IEnumerable<Command> For(IReadOnlyList<string> args)
    {
        (string Name, Func<Command> Create)[] named = [.. All.Where(c => args.Count > 0 && c.Name == args[0])];
        return (named.Length > 0 ? named : All).Select(c => c.Create());
    }
}
