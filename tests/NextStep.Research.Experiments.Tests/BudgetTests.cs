namespace NextStep.Research.Experiments.Tests;

public sealed class BudgetTests
{
    private sealed class FakeClock(DateTimeOffset now, TimeZoneInfo zone) : TimeProvider
    {
        private Action? _tick;

        public DateTimeOffset Now { get; set; } = now;

        public override TimeZoneInfo LocalTimeZone => zone;

        public override DateTimeOffset GetUtcNow() => Now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _tick = () => callback(state);
            return new Timer(_ => { }, null, Timeout.Infinite, Timeout.Infinite);
        }

        public void Tick() => _tick!();
    }

    // UTC+1, and an hour more from 29 March, 2:00 to 25 October, 3:00.
    private static readonly TimeZoneInfo Zone = TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(1), "test", "test", "test", [TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(
        new DateTime(2026, 1, 1), new DateTime(2026, 12, 31), TimeSpan.FromHours(1),
        TimeZoneInfo.TransitionTime.CreateFixedDateRule(new DateTime(1, 1, 1, 2, 0, 0), 3, 29), TimeZoneInfo.TransitionTime.CreateFixedDateRule(new DateTime(1, 1, 1, 3, 0, 0), 10, 25))]);

    private static FakeClock At(string utc) => new(DateTimeOffset.Parse(utc, System.Globalization.CultureInfo.InvariantCulture), Zone);

    [Theory]
    [InlineData("2026-11-28T22:00Z", null, "07:00", "2026-11-29T06:00Z")] // tomorrow morning
    [InlineData("2026-11-28T05:00Z", null, "7:00", "2026-11-28T06:00Z")] // today
    [InlineData("2026-11-28T06:00Z", null, "07:00", "2026-11-29T06:00Z")] // just now: the next one
    [InlineData("2026-03-28T22:00Z", null, "07:00", "2026-03-29T05:00Z")] // the clocks go forward in this night
    [InlineData("2026-03-28T22:00Z", null, "02:30", "2026-03-29T01:30Z")] // an hour that is skipped
    [InlineData("2026-11-28T22:00Z", null, "2026-12-01 07:00", "2026-12-01T06:00Z")]
    [InlineData("2026-11-28T22:00Z", 1.5, null, "2026-11-28T23:30Z")]
    [InlineData("2026-11-28T22:00Z", 1.5, "07:00", "2026-11-28T23:30Z")]
    [InlineData("2026-11-28T22:00Z", 20.0, "07:00", "2026-11-29T06:00Z")]
    [InlineData("2026-11-28T22:00Z", null, null, null)]
    public void It_ends_at_the_earlier_of_both(string now, double? hours, string? until, string? end) =>
        Assert.Equal(end is null ? (DateTimeOffset?)null : DateTimeOffset.Parse(end, System.Globalization.CultureInfo.InvariantCulture), SweepBudget.EndOf(hours, until, At(now)));

    [Theory]
    [InlineData(0.0, null, "--max-hours: 0 is no number of hours above 0")]
    [InlineData(null, "soon", "--until: 'soon' is no time; write 07:00, or 2026-11-29 07:00")]
    [InlineData(null, "2026-11-27 07:00", "--until: 2026-11-27 07:00 is over already")]
    public void What_is_no_time_is_refused(double? hours, string? until, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => SweepBudget.EndOf(hours, until, At("2026-11-28T22:00Z"))).Message);

    [Fact]
    public void It_is_over_when_the_clock_says_so_also_after_a_sleep()
    {
        FakeClock clock = At("2026-11-28T22:00Z");
        using SweepBudget budget = new(clock.Now.AddHours(1), clock);
        clock.Now = clock.Now.AddMinutes(59);
        clock.Tick();
        Assert.False(budget.Over.IsCancellationRequested);
        clock.Now = clock.Now.AddHours(9);
        clock.Tick();
        Assert.True(budget.Over.IsCancellationRequested);
    }
}
