using System.Diagnostics;
using System.Globalization;

namespace NextStep.Research.Experiments.Tests.Workers;

public sealed class StressTests
{
    /// <summary>Long form: <c>NEXTSTEP_STRESS_CELLS=200</c>, and <c>NEXTSTEP_STRESS_LOG</c> names a file for the counts.</summary>
    [Fact]
    public async Task With_workers_killed_at_random_every_cell_is_done_exactly_once()
    {
        int cells = int.Parse(Environment.GetEnvironmentVariable("NEXTSTEP_STRESS_CELLS") ?? "40", CultureInfo.InvariantCulture);
        using TemporaryFolder folder = new();
        string yaml = StubSweep.Grid(5, cells / 5, 4, cells > 40 ? 40 : 15);
        StubSweep undisturbed = new(folder, "undisturbed", yaml), stressed = new(folder, "stressed", yaml);
        Stopwatch clock = Stopwatch.StartNew();
        using CancellationTokenSource done = new();
        Task<int> killer = Task.Run(() => Kill(stressed, cells > 40 ? 2.0 : 0.1, done.Token), CancellationToken.None);
        Dictionary<string, DateTime> first = [];
        Task watcher = Task.Run(() => Watch(stressed, first, done.Token), CancellationToken.None);
        SweepOutcome outcome = await Task.Run(() => stressed.RunPool(3), TestContext.Current.CancellationToken);
        await done.CancelAsync();
        int kills = await killer;
        await watcher;
        Assert.True(kills > 3, $"only {kills} kills");
        Assert.Empty(outcome.Failed);
        Assert.Equal(stressed.Plan.Cells.Count, outcome.Ran);
        Assert.Empty(stressed.Overlaps());
        Assert.All(stressed.Plan.Cells, c => Assert.Equal(first.GetValueOrDefault(c.Key, Written(stressed, c)), Written(stressed, c)));
        Assert.Equal(stressed.Plan.Cells.Count, undisturbed.RunHere().Ran);
        Assert.Empty(undisturbed.DifferencesTo(stressed));
        if (Environment.GetEnvironmentVariable("NEXTSTEP_STRESS_LOG") is { } log)
        {
            await File.AppendAllTextAsync(log, string.Create(CultureInfo.InvariantCulture,
                $"{outcome.Ran} cells, {kills} kills, {stressed.Overlaps().Count} overlaps, {first.Count} results watched, {clock.Elapsed.TotalSeconds:F1} s\n"), CancellationToken.None);
        }
    }

    private static DateTime Written(StubSweep sweep, PlannedCell cell) => File.GetLastWriteTimeUtc(Path.Combine(sweep.Folder.Cell(cell), "result.json"));

    private static async Task<int> Kill(StubSweep sweep, double meanSeconds, CancellationToken stop)
    {
        Random random = new(1);
        int kills = 0, done = 0;
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromSeconds(2 * meanSeconds * random.NextDouble()), CancellationToken.None);
            int goal = done + random.Next(1, 7); // on a busy machine a worker takes longer to start than to be killed
            while (!stop.IsCancellationRequested && (done = sweep.Plan.Cells.Count(sweep.Folder.IsDone)) < goal)
            {
                await Task.Delay(20, CancellationToken.None);
            }
            IReadOnlyList<int> workers = sweep.Workers();
            if (workers.Count == 0 || stop.IsCancellationRequested)
            {
                continue;
            }
            try
            {
                using Process victim = Process.GetProcessById(workers[random.Next(workers.Count)]);
                victim.Kill();
                kills++;
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException)
            {
                // It ended by itself in this moment.
            }
        }
        return kills;
    }

    private static async Task Watch(StubSweep sweep, Dictionary<string, DateTime> first, CancellationToken done)
    {
        while (!done.IsCancellationRequested)
        {
            foreach (PlannedCell cell in sweep.Plan.Cells.Where(c => !first.ContainsKey(c.Key) && sweep.Folder.IsDone(c)))
            {
                first.Add(cell.Key, Written(sweep, cell));
            }
            await Task.Delay(50, CancellationToken.None);
        }
    }
}
