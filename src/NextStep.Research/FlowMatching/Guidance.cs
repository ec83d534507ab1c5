using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Which guidance branches are stacked along the rows, conditional first (spec §3.6). Never guessed from a scale.</summary>
public enum GuidanceBranches
{
    /// <summary>Only the conditional rows.</summary>
    None = 1,

    /// <summary>[conditional; unconditional].</summary>
    Text = 2,

    /// <summary>[conditional; image and negative text; negative text only].</summary>
    TextAndImage = 3,
}

/// <summary>Scales of one token.</summary>
/// <param name="Branches">How many row blocks there are.</param>
/// <param name="Scale">Text guidance.</param>
/// <param name="ImageScale">Image guidance; used with three branches.</param>
public readonly record struct Guidance(GuidanceBranches Branches, double Scale = 1, double ImageScale = 1)
{
    /// <summary>No guidance.</summary>
    public static Guidance Off { get; } = new(GuidanceBranches.None);

    /// <summary>
    /// v = v_u + s·(v_c − v_u) for two branches, v = v_n + s_i·(v_i − v_n) + s·(v_c − v_i) for three.
    /// </summary>
    /// <param name="velocities">[branches·m, d].</param>
    /// <returns>[m, d].</returns>
    public Tensor Combine(Tensor velocities)
    {
        if (velocities.size(0) % (int)Branches != 0)
        {
            throw new ArgumentException($"{velocities.size(0)} rows cannot hold {(int)Branches} guidance branches.", nameof(velocities));
        }
        if (Branches == GuidanceBranches.None)
        {
            return velocities.alias();
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor[] v = velocities.chunk((int)Branches);
        Tensor guided = Branches == GuidanceBranches.Text
            ? v[1].Plus((v[0] - v[1]).Times((float)Scale))
            : v[2].Plus((v[1] - v[2]).Times((float)ImageScale)).Plus((v[0] - v[1]).Times((float)Scale));
        return guided.MoveToOuterDisposeScope();
    }

    /// <summary>The scale for the token after <paramref name="produced"/> of <paramref name="total"/> (spec §3.6).</summary>
    public static double At(GuidanceSchedule schedule, double scale, int produced, int total) => schedule.At(scale, produced, total);
}
