using System.Diagnostics;
using System.Globalization;

namespace NextStep.Research.Experiments.Tests.Workers;

/// <summary>
/// Runs the tests, or, called as <c>… worker RUNFOLDER</c>, is a sweep's worker with the stages of <see cref="StubStages"/>, or, as
/// <c>… overhead 50</c>, prints what a sweep of stages that do nothing costs.
/// </summary>
internal static class TestProgram
{
    public static int Main(string[] args) => args switch
    {
        ["worker", .. var rest] => StubWorker.Run(rest),
        ["finish", var folder] => Finish(folder),
        ["overhead", var cells] => Overhead(int.Parse(cells, CultureInfo.InvariantCulture)),
        _ when args.Any(a => a is "--server" or "--internal-msbuild-node") =>
            Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions).GetAwaiter().GetResult(),
        _ => Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args).GetAwaiter().GetResult(),
    };

    // The last job of a submitted sweep.
    private static int Finish(string folder)
    {
        File.WriteAllText(Path.Combine(folder, "finished"), "");
        return 0;
    }

    private static int Overhead(int cells)
    {
        using TemporaryFolder folder = new();
        Experiment experiment = ExperimentFile.Load(folder.Write("e.yaml", $"seeds: [{string.Join(", ", Enumerable.Range(0, cells))}]"));
        StageDefinition[] nothing = [new("nothing", 1, ["seed"], [], false, _ => { })];
        RunFolder run = new(folder.File("run"));
        Stopwatch clock = Stopwatch.StartNew();
        Plan plan = Sweep.Prepare(run, Plan.Make(experiment, nothing), false);
        double prepared = clock.Elapsed.TotalSeconds;
        SweepOutcome outcome = new SweepRunner(run, plan, experiment, nothing, new SweepOptions()).Run(CancellationToken.None);
        double ran = clock.Elapsed.TotalSeconds;
        Sweep.Judge(run, plan);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{outcome.Ran} cells: plan {prepared:F2} s, cells {ran - prepared:F2} s, claims {clock.Elapsed.TotalSeconds - ran:F2} s; {1000 * clock.Elapsed.TotalSeconds / cells:F1} ms a cell"));
        return 0;
    }
}
