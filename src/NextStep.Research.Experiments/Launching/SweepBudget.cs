using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>
/// How long a sweep may take: hours from now, or until a time of day. When it is over, running cells save their checkpoints as at Ctrl-C.
/// </summary>
internal sealed class SweepBudget : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private readonly CancellationTokenSource _over = new();
    private readonly ITimer _timer;

    /// <summary>Counts down to <paramref name="end"/>.</summary>
    /// <param name="end">When it is over.</param>
    /// <param name="clock">Asked once a second, so that the time counts during which the machine slept.</param>
    public SweepBudget(DateTimeOffset end, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        End = end;
        _timer = clock.CreateTimer(_ =>
        {
            if (clock.GetUtcNow() >= end)
            {
                _over.Cancel();
            }
        }, null, TimeSpan.Zero, Look);
    }

    /// <summary>When it is over.</summary>
    public DateTimeOffset End { get; }

    /// <summary>Signalled at <see cref="End"/>.</summary>
    public CancellationToken Over => _over.Token;

    /// <summary>The earlier of two ends; null without any.</summary>
    /// <param name="maxHours">Hours from now, above 0; null: no such limit.</param>
    /// <param name="until">A time of day (<c>07:00</c>, the next one to come) or of a date (<c>2026-11-29 07:00</c>), both local; null: no such limit.</param>
    /// <param name="clock">Says what time it is, and where.</param>
    /// <exception cref="FormatException">No such limit; the message says what is right.</exception>
    public static DateTimeOffset? EndOf(double? maxHours, string? until, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        DateTimeOffset now = clock.GetUtcNow();
        if (maxHours is not (null or (> 0 and < 100_000)))
        {
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"--max-hours: {maxHours} is no number of hours above 0"));
        }
        DateTimeOffset? byHours = maxHours is { } hours ? now.AddHours(hours) : null, byClock = until is null ? null : Next(until, now, clock.LocalTimeZone);
        return byHours < byClock ? byHours : byClock ?? byHours;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        _over.Dispose();
    }

    private static DateTimeOffset Next(string until, DateTimeOffset now, TimeZoneInfo zone)
    {
        if (TimeOnly.TryParseExact(until, "H:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out TimeOnly time))
        {
            DateTime today = TimeZoneInfo.ConvertTime(now, zone).Date + time.ToTimeSpan();
            return At(today, zone) > now ? At(today, zone) : At(today.AddDays(1), zone);
        }
        return DateTime.TryParseExact(until, ["yyyy-MM-dd H:mm", "yyyy-MM-dd'T'H:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTime date)
            ? At(date, zone) > now ? At(date, zone) : throw new FormatException($"--until: {until} is over already")
            : throw new FormatException($"--until: '{until}' is no time; write 07:00, or 2026-11-29 07:00");
    }

    // An hour that the clocks skip counts as the one after it.
    private static DateTimeOffset At(DateTime local, TimeZoneInfo zone) => zone.IsInvalidTime(local)
        ? At(local.AddHours(1), zone)
        : new DateTimeOffset(local, zone.GetUtcOffset(local));
}
