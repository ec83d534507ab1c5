namespace NextStep.Research;

/// <summary>How the draft drew one token: its states x₀ … x_N and the means of its N steps, [d] each.</summary>
internal sealed record DraftPath(float[][] States, float[][] Means)
{
    /// <summary>The token, x_N.</summary>
    public float[] Token => States[^1];
}

/// <summary>What the target made of one drafted token.</summary>
/// <param name="Token">[d], an exact draw of the target.</param>
/// <param name="Same">Whether it is the drafted one.</param>
/// <param name="SameSteps">Steps after which both stood at one point.</param>
/// <param name="Alone">Steps that the target evaluated one by one because it stood elsewhere.</param>
internal readonly record struct CoupledToken(float[] Token, bool Same, int SameSteps, int Alone);

/// <summary>
/// The target's path of one token along the draft's: both start at the same noise, and every step of the target is coupled with the draft's by
/// <see cref="ReflectionCoupling"/>. Given all before, a step of the target is N(m_p(x), σ²), so its path is as if drawn alone, whatever the draft is. After a rejected
/// step the target stands elsewhere and goes on from there, still coupled: where it meets the draft's path again, the drafted states after that hold again.
/// </summary>
internal static class CoupledPath
{
    /// <summary>Walks the N steps.</summary>
    /// <param name="draft">The draft's path.</param>
    /// <param name="deviation">σ of each step, above 0; those of the draft's steps too.</param>
    /// <param name="onPath">The target's mean of a step from the draft's state before it.</param>
    /// <param name="elsewhere">The target's mean of a step from another state.</param>
    /// <param name="uniforms">A draw from [0, 1) for each step.</param>
    public static CoupledToken Walk(DraftPath draft, Func<int, double> deviation, Func<int, float[]> onPath, Func<int, float[], float[]> elsewhere, ReadOnlySpan<float> uniforms)
    {
        float[] state = draft.States[0];
        bool same = true;
        int sameSteps = 0, alone = 0;
        for (int step = 0; step < draft.Means.Length; step++)
        {
            float[] mean = same ? onPath(step) : elsewhere(step, state), next = new float[state.Length];
            alone += same ? 0 : 1;
            same = ReflectionCoupling.Step(mean, draft.Means[step], draft.States[step + 1], deviation(step), uniforms[step], next);
            sameSteps += same ? 1 : 0;
            state = next;
        }
        return new CoupledToken(state, same, sameSteps, alone);
    }
}
