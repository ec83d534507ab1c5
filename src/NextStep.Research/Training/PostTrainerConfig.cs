using System.ComponentModel.DataAnnotations;

namespace NextStep.Research;

/// <summary>How a trained model learns from its own pictures and a reward (the paper's §4.3, NextStep-1.1).</summary>
public enum PostMethod
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Rejection fine-tuning: the accepted pictures are trained on by the ordinary losses. What every other method has to beat.</summary>
    Reject,

    /// <summary>Preference pairs of an accepted and a rejected picture of one prompt, against the frozen start (Diffusion-DPO, arXiv 2311.12908, eq. 14, on flow losses).</summary>
    Dpo,

    /// <summary>
    /// The model learns to go the guided way of its start in <c>sampling.steps</c> evaluations without guidance (Meng et al. 2023, arXiv 2210.03142), from training pictures. Nothing
    /// is drawn and nothing judged. What it draws with other steps or with guidance is not what it learned.
    /// </summary>
    Distill,

    /// <summary>
    /// Group-relative policy optimization of the flow's stochastic steps (Flow-GRPO, arXiv 2505.05470; NextStep-1.1): what a drawn token's step was becomes likelier by as much as
    /// its picture is better than others of the prompt. One step of training a round, so that the weights learn from nothing that others drew.
    /// </summary>
    Grpo,
}

/// <summary>Which step of its integration a drawn token is learned from.</summary>
public enum LearnedStep
{
    /// <summary>One for all tokens of a round (NextStep-1.1: one flow time an update).</summary>
    Round,

    /// <summary>For every token another.</summary>
    Token,
}

/// <summary>The <c>training.post</c> node. Progress is pictures learned from; those drawn to choose from do not count.</summary>
public sealed record PostTrainerConfig : TrainerConfig
{
    /// <summary>The method.</summary>
    public PostMethod Method { get; init; } = PostMethod.None;

    /// <summary>
    /// A model's folder, a cell's or a released one, or <c>shipped</c>, to start from; the cell then trains neither autoencoder nor model of its own. Null = the cell's own model.
    /// </summary>
    public string? Start { get; init; }

    /// <summary>Weights that do not move, as of <c>training.model.frozen</c>: names, names of modules, or patterns with * and ?. What an optimizer never sees keeps its bits.</summary>
    public IReadOnlyList<string> Frozen { get; init; } = [];

    /// <summary>How often pictures are drawn anew, each time by the newest weights and for an equal share of the training.</summary>
    [Range(1, 10_000)]
    public int Rounds { get; init; } = 1;

    /// <summary>Prompts of a round: captions of the training split, so that a colour–shape pair that training never shows is in none.</summary>
    [Range(1, 1_000_000)]
    public int Prompts { get; init; } = 512;

    /// <summary>
    /// <see cref="PostMethod.Reject"/>, <see cref="PostMethod.Grpo"/>: the share of a round's prompts that are edits of training pictures, and so about the share of edits among the drawn pictures learned from.
    /// Every kind of edit is learned as often as it was asked for, whatever its share of right results. <see cref="PostMethod.Distill"/>: the share of training edits among all that is learned from.
    /// </summary>
    [Range(0.0, 1.0)]
    public double Edits { get; init; }

    /// <summary>Pictures drawn for each prompt.</summary>
    [Range(1, 1024)]
    public int Draws { get; init; } = 8;

    /// <summary>
    /// Guidance of the pictures drawn to learn from; null = <c>sampling.guidance</c>. 1 = none, as NextStep-1.1 learns: guidance narrows what is drawn, and what
    /// learned from narrowed pictures is narrowed once more when it is guided. <see cref="PostMethod.Grpo"/> needs 1.
    /// </summary>
    [Range(0.0, 100.0)]
    public double? Guidance { get; init; } = 1;

    /// <summary><see cref="PostMethod.Distill"/>: Euler steps of the start, a multiple of <c>sampling.steps</c>. The guidance that it learns to do without is <see cref="Guidance"/>.</summary>
    [Range(1, 1000)]
    public int TeacherSteps { get; init; } = 20;

    /// <summary>
    /// Share of training pictures among those trained on by the ordinary losses, against forgetting what the reward does not ask for. Less is learned from the reward in the
    /// same number of images.
    /// </summary>
    [Range(0.0, 1.0)]
    public double Replay { get; init; }

    /// <summary><see cref="PostMethod.Dpo"/>: β, how dear it is to leave the start; per unit of a picture's mean flow loss.</summary>
    [Range(1e-3, 1e6)]
    public double Beta { get; init; } = 500;

    /// <summary>
    /// <see cref="PostMethod.Dpo"/>: weight of the flow loss, of accepted and replayed pictures, beside the preference; at 1 it pulls as hard as the preference does where policy and start
    /// agree. 0 = none: then both pictures of a pair may become unlikely, as long as the rejected one does so faster.
    /// </summary>
    [Range(0.0, 1e3)]
    public double Anchor { get; init; } = 1;

    /// <summary><see cref="PostMethod.Grpo"/>: which of a token's stochastic steps is learned from, drawn evenly.</summary>
    public LearnedStep LearnedStep { get; init; }

    /// <summary>
    /// <see cref="PostMethod.Grpo"/>: a picture is compared with those of its prompt and kind, so that a kind that is accepted more often does not become more frequent by that.
    /// False = with all of its prompt.
    /// </summary>
    public bool ByKind { get; init; } = true;

    /// <summary><see cref="PostMethod.Grpo"/>: a group with a higher mean reward than this, and a smaller spread than <see cref="RejectSpread"/>, is not learned from.</summary>
    [Range(0.0, 1.0)]
    public double RejectMean { get; init; } = 0.9;

    /// <summary><see cref="PostMethod.Grpo"/>: see <see cref="RejectMean"/>; the standard deviation of a group's rewards. 0 = no group is left out for its mean.</summary>
    [Range(0.0, 1.0)]
    public double RejectSpread { get; init; } = 0.3;

    /// <summary><see cref="PostMethod.Grpo"/>: weight of the divergence from the start, per token. 0 = none.</summary>
    [Range(0.0, 1e3)]
    public double KlWeight { get; init; }
}
