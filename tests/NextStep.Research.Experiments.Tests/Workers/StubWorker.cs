using System.Runtime.InteropServices;

namespace NextStep.Research.Experiments.Tests.Workers;

/// <summary>What <c>nextstep work</c> does, with cheap stages and without torch.</summary>
internal static class StubWorker
{
    public static WorkerCommand Command { get; } = WorkerCommand.Of(typeof(StubWorker).Assembly, "worker", "--child");

    public static int Run(string[] args)
    {
        using CancellationTokenSource stop = new();
        bool timeIsOver = false;
        using PosixSignalRegistration term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, false));
        using PosixSignalRegistration user = PosixSignalRegistration.Create((PosixSignal)12, context => Stop(context, true));
        try
        {
            if (args is [var directory, "--map", var map, "--index", var index])
            {
                return new SlurmWorker(new RunFolder(directory), StubStages.All, SlurmTask.Current!, new ClusterCommands(), new SweepOptions { Report = Tell })
                    .Run(map, int.Parse(index, System.Globalization.CultureInfo.InvariantCulture), () => timeIsOver, stop.Token);
            }
            StubStages.Forgets = args[0] == "--child-forgets";
            StubStages.SavesNothing = args[0] == "--child-saves-nothing";
            RunFolder folder = new(args[1]);
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(stop.Token, ParentWatch.Gone());
            int device = Array.IndexOf(args, "--device");
            new SweepRunner(folder, folder.RequirePlan(), StubStages.All, new SweepOptions { Worker = true, Device = device < 0 ? null : args[device + 1] }).Run(either.Token);
            return 0;
        }
        catch (Exception e) when (e is ConfigException or InvalidDataException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }

        void Stop(PosixSignalContext context, bool over)
        {
            context.Cancel = true;
            timeIsOver |= over;
            Console.Error.WriteLine($"{DateTime.UtcNow:HH:mm:ss} {context.Signal}");
            stop.Cancel();
        }
    }

    private static void Tell(SweepEvent e)
    {
        if (e is SweepEvent.Note or SweepEvent.CellFailed)
        {
            Console.Error.WriteLine(e is SweepEvent.Note note ? note.Text : ((SweepEvent.CellFailed)e).Failure.Message);
        }
    }
}
