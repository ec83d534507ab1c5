using System.Text.Json;

namespace NextStep.Research.Experiments.Tests.Workers;

public sealed class LeaseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeClock _clock = new();

    public void Dispose() => _folder.Dispose();

    private LeaseWatch Watch => field ??= new LeaseWatch(TimeSpan.FromMinutes(5), _clock);

    private sealed class FakeClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }

    private string LeaseFile(LeaseOwner owner) => _folder.Write("lease", JsonSerializer.Serialize(owner, RunFolder.Json));

    private static LeaseOwner Elsewhere => LeaseOwner.Me() with { Host = "elsewhere", Machine = "other", Boot = "other" };

    [Fact]
    public void A_lease_of_a_dead_process_is_taken_over_at_once()
    {
        string lease = LeaseFile(LeaseOwner.Me() with { Process = 4_000_000 });
        Assert.False(Lease.LooksAlive(lease));
        using (Lease? taken = Lease.TryTake(lease, Watch))
        {
            Assert.NotNull(taken);
            Assert.Null(Lease.TryTake(lease, Watch));
            Assert.True(Lease.LooksAlive(lease));
        }
        Assert.False(File.Exists(lease));
    }

    [Fact]
    public void A_lease_tells_whom_it_was_taken_over_from_however_often()
    {
        string lease = LeaseFile(LeaseOwner.Me() with { Process = 4_000_000, After = [$"{Environment.MachineName}/4000001"] });
        using Lease? taken = Lease.TryTake(lease, Watch);
        LeaseOwner owner = Assert.IsType<LeaseOwner>(Lease.Look(lease).Owner);
        Assert.All([Environment.ProcessId, 4_000_000, 4_000_001], p => Assert.True(owner.IsOrFollows(p)));
        Assert.False(owner.IsOrFollows(4_000_002));
    }

    [Fact]
    public void A_process_with_the_number_of_the_dead_one_does_not_keep_its_lease()
    {
        Assert.Null(Lease.TryTake(LeaseFile(LeaseOwner.Me()), Watch));
        using Lease? taken = Lease.TryTake(LeaseFile(LeaseOwner.Me() with { Started = "1" }), Watch);
        Assert.NotNull(taken);
    }

    [Fact]
    public void A_torn_lease_is_taken_over_after_ten_seconds()
    {
        string lease = _folder.Write("lease", "{ \"hos");
        Assert.Null(Lease.TryTake(lease, Watch));
        _clock.Now += TimeSpan.FromSeconds(11);
        using Lease? taken = Lease.TryTake(lease, Watch);
        Assert.NotNull(taken);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-60)] // its clock is behind by an hour: it looks long dead
    [InlineData(60)]
    public void A_lease_of_another_host_holds_until_its_heartbeat_was_seen_to_stand_still_for_five_minutes(int minutesOff)
    {
        string lease = LeaseFile(Elsewhere);
        for (int minute = 0; minute < 8; minute++)
        {
            File.SetLastWriteTimeUtc(lease, DateTime.UtcNow.AddMinutes(minutesOff + minute)); // it beats
            Assert.Null(Lease.TryTake(lease, Watch));
            _clock.Now += TimeSpan.FromMinutes(1);
        }
        _clock.Now += TimeSpan.FromMinutes(3);
        Assert.Null(Lease.TryTake(lease, Watch)); // stood still for four
        _clock.Now += TimeSpan.FromMinutes(2);
        using Lease? taken = Lease.TryTake(lease, Watch);
        Assert.NotNull(taken);
    }

    [Fact]
    public void A_container_that_shares_name_and_kernel_but_not_the_processes_is_another_host()
    {
        LeaseOwner me = LeaseOwner.Me();
        Assert.Null((me with { Boot = me.Boot.Split(' ')[0] + " pid:[1]", Process = 4_000_000 }).IsAlive());
    }

    [Fact]
    public void Of_many_takers_of_a_dead_lease_one_succeeds()
    {
        for (int round = 0; round < 20; round++)
        {
            string lease = LeaseFile(LeaseOwner.Me() with { Process = 4_000_000 });
            Lease?[] takers = new Lease?[8];
            Parallel.For(0, takers.Length, i => takers[i] = Lease.TryTake(lease, Watch));
            Assert.True(takers.OfType<Lease>().Count() <= 1);
            Lease? winner = takers.OfType<Lease>().SingleOrDefault() ?? Lease.TryTake(lease, Watch);
            Assert.NotNull(winner);
            winner.Dispose();
        }
    }

    [Theory]
    [InlineData("lease", "claim")]
    [InlineData("model-12.lease", "model-12.claim")]
    public void What_an_earlier_version_called_claim_is_respected_while_its_owner_lives(string name, string older)
    {
        string claim = _folder.Write(older, JsonSerializer.Serialize(LeaseOwner.Me(), RunFolder.Json)), lease = _folder.File(name);
        Assert.Null(Lease.TryTake(lease, Watch));
        Assert.True(Lease.LooksAlive(lease));
        _folder.Write(older, JsonSerializer.Serialize(LeaseOwner.Me() with { Process = 4_000_000 }, RunFolder.Json));
        using Lease? taken = Lease.TryTake(lease, Watch);
        Assert.NotNull(taken);
        Assert.False(File.Exists(claim));
    }

    [Fact]
    public void Who_lost_the_lease_finds_out_before_anything_final_and_leaves_it_to_the_other()
    {
        string file = _folder.File("lease");
        using (Lease mine = Lease.TryTake(file, Watch)!)
        {
            Assert.False(mine.IsLost());
            LeaseFile(Elsewhere);
            Assert.True(mine.IsLost());
            Assert.True(mine.Lost.IsCancellationRequested);
        }
        Assert.Contains("elsewhere", Lease.Describe(file), StringComparison.Ordinal);
    }
}
