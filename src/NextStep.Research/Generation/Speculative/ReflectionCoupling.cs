namespace NextStep.Research;

/// <summary>
/// The reflection-maximal coupling of two Gaussians of one isotropic covariance: of a point drawn from the draft's it makes one that is drawn exactly from the target's
/// and is the same point as often as any coupling can make it, 2Φ(−‖m_p − m_q‖/(2σ)) of the time (Bou-Rabee, Eberle and Zimmer 2020; for sampling De Bortoli et al.
/// 2025, arXiv 2501.05370).
/// </summary>
internal static class ReflectionCoupling
{
    /// <summary>Keeps y ~ N(m_q, σ²) with probability min(1, p(y)/q(y)), else reflects it: m_p + (I − 2eeᵀ)(y − m_q), e = (m_p − m_q)/‖m_p − m_q‖.</summary>
    /// <param name="targetMean">m_p, [d].</param>
    /// <param name="draftMean">m_q, [d].</param>
    /// <param name="draft">y, [d].</param>
    /// <param name="deviation">σ &gt; 0 of both.</param>
    /// <param name="uniform">A draw from [0, 1) that nothing else has used.</param>
    /// <param name="next">[d], receives the target's point.</param>
    /// <returns>Whether it is y.</returns>
    public static bool Step(ReadOnlySpan<float> targetMean, ReadOnlySpan<float> draftMean, ReadOnlySpan<float> draft, double deviation, double uniform, Span<float> next)
    {
        double along = 0, squared = 0;
        for (int i = 0; i < next.Length; i++)
        {
            double apart = (double)targetMean[i] - draftMean[i];
            along += apart * ((double)draft[i] - draftMean[i]);
            squared += apart * apart;
        }
        if (squared == 0 || Math.Log(uniform) <= (along - (squared / 2)) / (deviation * deviation))
        {
            draft.CopyTo(next);
            return true;
        }
        double reflected = 2 * along / squared;
        for (int i = 0; i < next.Length; i++)
        {
            double apart = (double)targetMean[i] - draftMean[i];
            next[i] = (float)(targetMean[i] + ((double)draft[i] - draftMean[i]) - (reflected * apart));
        }
        return false;
    }
}
