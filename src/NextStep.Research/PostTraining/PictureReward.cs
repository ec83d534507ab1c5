using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Says how good pictures are for their prompts.</summary>
/// <param name="pixels">[n, 3, S, S] in [−1, 1], lent for the time of the call.</param>
/// <param name="prompts">One per picture.</param>
/// <returns>A judgement a picture.</returns>
public delegate IReadOnlyList<PictureJudgement> PictureReward(Tensor pixels, IReadOnlyList<string> prompts);

/// <summary>Says how good results of edits are.</summary>
/// <param name="pixels">[n, 3, S, S] in [−1, 1], lent for the time of the call.</param>
/// <param name="edits">One per picture.</param>
/// <returns>A judgement a picture.</returns>
public delegate IReadOnlyList<PictureJudgement> EditReward(Tensor pixels, IReadOnlyList<SceneEdit> edits);

/// <summary>What a reward says of one picture.</summary>
/// <param name="Reward">Above ½ the picture is accepted.</param>
/// <param name="Kind">
/// What kind of picture it is in a respect that no prompt speaks of, such as its background. What is learned from has of every kind the share that was drawn, so that a kind
/// that is accepted more often does not become more frequent by that.
/// </param>
public readonly record struct PictureJudgement(float Reward, int Kind = 0);

/// <summary>Rewards that nobody can argue with.</summary>
public static class PictureRewards
{
    /// <summary>By <see cref="ShapesVerifier"/>: 1 where the picture shows what the prompt says and nothing else, 0 elsewhere; its kind is the background.</summary>
    public static IReadOnlyList<PictureJudgement> Verified(Tensor pixels, IReadOnlyList<string> prompts) => [.. Alignment.Measure(pixels, prompts).Results.Select(r => new PictureJudgement(r.Strict ? 1 : 0, (int)r.Found.Background))];

    /// <summary>By <see cref="EditVerifier"/>: 1 where the picture shows exactly what the edit asks for, 0 elsewhere; its kind is that of the edit, so that what is hard is learned as often as what is easy.</summary>
    /// <param name="pixels">[n, 3, S, S] in [−1, 1].</param>
    /// <param name="edits">One per picture.</param>
    public static IReadOnlyList<PictureJudgement> VerifiedEdits(Tensor pixels, IReadOnlyList<SceneEdit> edits) =>
        [.. EditAlignment.Measure(pixels, edits).Succeeded.Zip(edits, (right, edit) => new PictureJudgement(right ? 1 : 0, (int)edit.Kind))];
}
