namespace NextStep.Research;

/// <summary>
/// How much better than its like a picture is (GRPO, arXiv 2402.03300): (r − mean)/(std + 1e−4) over the pictures of one prompt, or of one prompt and kind. A group whose
/// rewards are all the same, or high with little spread (NextStep-1.1), has none, and nothing is learned from it.
/// </summary>
/// <param name="Each">By picture; 0 where nothing is learned.</param>
/// <param name="Groups">Their number.</param>
/// <param name="Used">Those that are learned from.</param>
internal sealed record GroupAdvantages(IReadOnlyList<float> Each, int Groups, int Used)
{
    private const double Least = 1e-4;

    /// <summary>Of judged pictures.</summary>
    /// <param name="judged">Those of a prompt together.</param>
    /// <param name="draws">Pictures of a prompt.</param>
    /// <param name="post">Reads <c>byKind</c>, <c>rejectMean</c> and <c>rejectSpread</c>.</param>
    public static GroupAdvantages Of(IReadOnlyList<PictureJudgement> judged, int draws, PostTrainerConfig post)
    {
        float[] each = new float[judged.Count];
        (int groups, int used) = (0, 0);
        foreach (IGrouping<(int, int), int> group in Enumerable.Range(0, judged.Count).GroupBy(i => (i / draws, post.ByKind ? judged[i].Kind : 0)))
        {
            double mean = group.Average(i => judged[i].Reward), spread = Math.Sqrt(group.Average(i => Math.Pow(judged[i].Reward - mean, 2)));
            groups++;
            if (spread < Least || (mean > post.RejectMean && spread < post.RejectSpread))
            {
                continue;
            }
            used++;
            foreach (int i in group)
            {
                each[i] = (float)((judged[i].Reward - mean) / (spread + Least));
            }
        }
        return new GroupAdvantages(each, groups, used);
    }

    /// <summary>Places of at most so many pictures that something is learned from, ascending; of one other, so that a batch is never empty, where there are none.</summary>
    public int[] Choose(int count, SplitMix64 random)
    {
        int[] learned = [.. random.Permutation(Each.Count).Where(i => Each[i] != 0).Take(count).Order()];
        return learned.Length > 0 ? learned : [0];
    }
}
