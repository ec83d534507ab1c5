using System.Diagnostics;

namespace NextStep.Research.Cli;

/// <summary>When the tokens of one part of a drawing came; the part's pictures get theirs together.</summary>
internal sealed class TokenClock
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<TimeSpan> _times = [];

    /// <summary>Since the beginning.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>How many tokens there are, over all pictures.</summary>
    public long Tokens { get; private set; }

    /// <summary>Until the first: prompt and sampling.</summary>
    public TimeSpan First => _times[0];

    /// <summary>Until the last so far.</summary>
    public TimeSpan Last => _times[^1];

    /// <summary>How often tokens came.</summary>
    public int Count => _times.Count;

    /// <summary>From each to the next.</summary>
    public IReadOnlyList<double> Milliseconds => [.. _times.Zip(_times.Skip(1), (a, b) => (b - a).TotalMilliseconds)];

    /// <summary>A token came.</summary>
    /// <param name="tokens">So many are there now.</param>
    public void Add(long tokens)
    {
        _times.Add(_clock.Elapsed);
        Tokens = tokens;
    }
}
