using System.Text.Json;

namespace NextStep.Research.Experiments.Tests.Workers;

public sealed class ClaimedTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeClock _clock = new();

    public void Dispose() => _folder.Dispose();

    private ClaimWatch Watch => field ??= new ClaimWatch(TimeSpan.FromMinutes(5), _clock);

    private sealed class FakeClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }

    private string Claim(ClaimOwner owner) => _folder.Write("claim", JsonSerializer.Serialize(owner, RunFolder.Json));

    private static ClaimOwner Elsewhere => ClaimOwner.Me() with { Host = "elsewhere", Machine = "other", Boot = "other" };

    [Fact]
    public void A_claim_of_a_dead_process_is_taken_over_at_once()
    {
        string claim = Claim(ClaimOwner.Me() with { Process = 4_000_000 });
        Assert.False(Claimed.LooksAlive(claim));
        using (Claimed? taken = Claimed.TryTake(claim, Watch))
        {
            Assert.NotNull(taken);
            Assert.Null(Claimed.TryTake(claim, Watch));
            Assert.True(Claimed.LooksAlive(claim));
        }
        Assert.False(File.Exists(claim));
    }

    [Fact]
    public void A_process_with_the_number_of_the_dead_one_does_not_keep_its_claim()
    {
        Assert.Null(Claimed.TryTake(Claim(ClaimOwner.Me()), Watch));
        using Claimed? taken = Claimed.TryTake(Claim(ClaimOwner.Me() with { Started = "1" }), Watch);
        Assert.NotNull(taken);
    }

    [Fact]
    public void A_torn_claim_is_taken_over_after_ten_seconds()
    {
        string claim = _folder.Write("claim", "{ \"hos");
        Assert.Null(Claimed.TryTake(claim, Watch));
        _clock.Now += TimeSpan.FromSeconds(11);
        using Claimed? taken = Claimed.TryTake(claim, Watch);
        Assert.NotNull(taken);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-60)] // its clock is behind by an hour: it looks long dead
    [InlineData(60)]
    public void A_claim_of_another_host_holds_until_its_heartbeat_was_seen_to_stand_still_for_five_minutes(int minutesOff)
    {
        string claim = Claim(Elsewhere);
        for (int minute = 0; minute < 8; minute++)
        {
            File.SetLastWriteTimeUtc(claim, DateTime.UtcNow.AddMinutes(minutesOff + minute)); // it beats
            Assert.Null(Claimed.TryTake(claim, Watch));
            _clock.Now += TimeSpan.FromMinutes(1);
        }
        _clock.Now += TimeSpan.FromMinutes(3);
        Assert.Null(Claimed.TryTake(claim, Watch)); // stood still for four
        _clock.Now += TimeSpan.FromMinutes(2);
        using Claimed? taken = Claimed.TryTake(claim, Watch);
        Assert.NotNull(taken);
    }

    [Fact]
    public void A_container_that_shares_name_and_kernel_but_not_the_processes_is_another_host()
    {
        ClaimOwner me = ClaimOwner.Me();
        Assert.Null((me with { Boot = me.Boot.Split(' ')[0] + " pid:[1]", Process = 4_000_000 }).IsAlive());
    }

    [Fact]
    public void Of_many_takers_of_a_dead_claim_one_succeeds()
    {
        for (int round = 0; round < 20; round++)
        {
            string claim = Claim(ClaimOwner.Me() with { Process = 4_000_000 });
            Claimed?[] takers = new Claimed?[8];
            Parallel.For(0, takers.Length, i => takers[i] = Claimed.TryTake(claim, Watch));
            Assert.True(takers.OfType<Claimed>().Count() <= 1);
            Claimed? winner = takers.OfType<Claimed>().SingleOrDefault() ?? Claimed.TryTake(claim, Watch);
            Assert.NotNull(winner);
            winner.Dispose();
        }
    }

    [Fact]
    public void Who_lost_the_claim_finds_out_before_anything_final_and_leaves_it_to_the_other()
    {
        string file = _folder.File("claim");
        using (Claimed mine = Claimed.TryTake(file, Watch)!)
        {
            Assert.False(mine.IsLost());
            Claim(Elsewhere);
            Assert.True(mine.IsLost());
            Assert.True(mine.Lost.IsCancellationRequested);
        }
        Assert.Contains("elsewhere", Claimed.Describe(file), StringComparison.Ordinal);
    }
}
