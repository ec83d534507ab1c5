namespace NextStep.Research;

/// <summary>
/// When a draft pays: what the parts of a round take, in any unit of time, and what follows for the whole. A round is k proposals, one pass of the model's transformer over
/// k positions, one evaluation of its head for all steps of all k tokens, and the steps that the head makes alone after a rejection.
/// </summary>
public sealed record SpeculativeCost
{
    /// <summary>Tokens proposed at a time, k.</summary>
    public required int Tokens { get; init; }

    /// <summary>Solver steps of a token, N.</summary>
    public required int Steps { get; init; }

    /// <summary>A pass of the model's transformer over one position.</summary>
    public required double Pass { get; init; }

    /// <summary>A pass over k positions.</summary>
    public required double LongPass { get; init; }

    /// <summary>A token of the model's head, N steps one after another.</summary>
    public required double Head { get; init; }

    /// <summary>The N steps of k tokens at once.</summary>
    public required double Verification { get; init; }

    /// <summary>A token of the draft, transformer and head.</summary>
    public required double Proposal { get; init; }

    /// <summary>Where only the weights' bytes count, as in a large model on few rows: a pass takes the same for one position and for k, and verifying reads the head once where drawing reads it N times.</summary>
    /// <param name="tokens">k.</param>
    /// <param name="steps">N.</param>
    /// <param name="transformer">Bytes of the model's layers.</param>
    /// <param name="head">Bytes of its head.</param>
    /// <param name="draftTransformer">Bytes of the draft's layers.</param>
    /// <param name="draftHead">Bytes of the draft's head.</param>
    public static SpeculativeCost OfBytes(int tokens, int steps, double transformer, double head, double draftTransformer, double draftHead) => new()
    {
        Tokens = tokens,
        Steps = steps,
        Pass = transformer,
        LongPass = transformer,
        Head = steps * head,
        Verification = head,
        Proposal = draftTransformer + (steps * draftHead),
    };

    /// <summary>Tokens that a round gives on average: those before the first rejected one, and that one: (1 − a^k)/(1 − a).</summary>
    /// <param name="share">a, the share of verified tokens that are accepted, 0 … 1.</param>
    public double TokensARound(double share) => Enumerable.Range(0, Tokens).Sum(i => Math.Pow(share, i));

    /// <summary>Time of drawing without a draft over time with it; below 1 the draft does not pay.</summary>
    /// <param name="share">a, 0 … 1.</param>
    /// <param name="stepsAlone">Steps that a rejected token makes alone, 0 … N.</param>
    public double Speedup(double share, double stepsAlone)
    {
        double rejected = 1 - Math.Pow(share, Tokens);
        double round = (Tokens * Proposal) + LongPass + Verification + (rejected * stepsAlone * Head / Steps);
        return TokensARound(share) * (Pass + Head) / round;
    }

    /// <summary>The least share at which the draft pays; null where it does not pay even if everything is accepted.</summary>
    /// <param name="stepsAlone">Steps that a rejected token makes alone, 0 … N.</param>
    public double? LeastShare(double stepsAlone)
    {
        const int Grid = 1000;
        int least = Enumerable.Range(0, Grid + 1).FirstOrDefault(i => Speedup((double)i / Grid, stepsAlone) >= 1, -1);
        return least < 0 ? null : (double)least / Grid;
    }
}
