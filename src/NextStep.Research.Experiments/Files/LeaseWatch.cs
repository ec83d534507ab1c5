using System.Collections.Concurrent;

namespace NextStep.Research.Experiments;

/// <summary>
/// Tells dead leases from living ones. A process of this machine is asked for; of any other machine the heartbeat must not have
/// moved for the whole time that this process has watched it, so that clocks that disagree never bury a living lease.
/// </summary>
internal sealed class LeaseWatch(TimeSpan deadAfter, TimeProvider clock)
{
    // A lease without content is one that its owner is just writing, or whose writer died right there.
    private static readonly TimeSpan WritingTakes = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Sight> _sights = new();

    private sealed record Sight(string Token, DateTime Beat, long Since);

    /// <summary>How long a heartbeat of another machine may stand still.</summary>
    public static TimeSpan DeadAfter { get; } = TimeSpan.FromMinutes(5);

    /// <summary>That of this process.</summary>
    public static LeaseWatch Shared { get; } = new(DeadAfter, TimeProvider.System);

    /// <summary>Looks at a lease that exists; true once nobody can be working under it.</summary>
    public bool IsDead(string file, out LeaseOwner? owner)
    {
        (owner, DateTime? beat) = Lease.Look(file);
        if (beat is null)
        {
            return false; // gone in this moment: not dead, free
        }
        if (owner?.IsAlive() is { } alive)
        {
            return !alive;
        }
        string token = owner?.Token ?? "";
        Sight sight = _sights.AddOrUpdate(file, _ => See(), (_, old) => old.Token == token && old.Beat == beat ? old : See());
        return clock.GetElapsedTime(sight.Since) >= (owner is null ? WritingTakes : deadAfter);

        Sight See() => new(token, beat.Value, clock.GetTimestamp());
    }
}
