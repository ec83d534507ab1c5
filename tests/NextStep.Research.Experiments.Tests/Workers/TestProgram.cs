namespace NextStep.Research.Experiments.Tests.Workers;

/// <summary>Runs the tests, or, called as <c>… worker RUNFOLDER</c>, is a sweep's worker with the stages of <see cref="StubStages"/>.</summary>
internal static class TestProgram
{
    public static int Main(string[] args) => args switch
    {
        ["worker", .. var rest] => StubWorker.Run(rest),
        _ when args.Any(a => a is "--server" or "--internal-msbuild-node") =>
            Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions).GetAwaiter().GetResult(),
        _ => Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args).GetAwaiter().GetResult(),
    };
}
