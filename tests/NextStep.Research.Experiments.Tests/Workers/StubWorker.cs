using System.Runtime.InteropServices;

namespace NextStep.Research.Experiments.Tests.Workers;

/// <summary>What <c>nextstep work</c> does, with cheap stages and without torch.</summary>
internal static class StubWorker
{
    public static WorkerCommand Command { get; } = WorkerCommand.Of(typeof(StubWorker).Assembly, "worker", "--child");

    public static int Run(string[] args)
    {
        using CancellationTokenSource stop = new();
        using PosixSignalRegistration term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
        bool child = args[0] == "--child";
        RunFolder folder = new(args[child ? 1 : 0]);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(stop.Token, child ? ParentWatch.Gone() : CancellationToken.None);
        new SweepRunner(folder, folder.RequirePlan(), StubStages.All, new SweepOptions { Worker = true }).Run(either.Token);
        return 0;
    }
}
