using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// New scenes of the shapes world, drawn once with every token after the true ones and once (<c>free</c>) after the drawn ones, from the same noise. Their distance
/// is more than errors that are carried on: true tokens also give the answer away, as the upper half of a recoloured star says the colour. And a caption leaves the
/// layout open: tokens drawn after true ones then need not agree with one another, and the first may be lower.
/// Needs a model of the shapes world.
/// </summary>
public sealed record TeacherForcedMetric : Metric
{
    /// <summary>Scenes a skill.</summary>
    [Range(1, 10_000)]
    public int Scenes { get; init; } = 20;

    /// <summary>Edits a kind, drawn after the true tokens of one right answer; 0 = none.</summary>
    [Range(0, 10_000)]
    public int Edits { get; init; }

    /// <inheritdoc/>
    public override MetricResult Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        Dictionary<string, double> details = [];
        (Drawing Captions, string[] Said) scenes = OfCaptions(context);
        (Drawing Edits, SceneEdit[] Asked)? edits = Edits > 0 ? OfEdits(context) : null;
        foreach ((string prefix, bool forced) in new[] { ("", true), ("free.", false) })
        {
            AlignmentReport report = Alignment.Measure(scenes.Captions.Draw(context, forced), scenes.Said);
            details[prefix + "all"] = report.Overall;
            foreach (SkillAlignment skill in report.Skills)
            {
                details[prefix + skill.Skill] = skill.Strict.Value;
            }
            if (edits is not { } asked)
            {
                continue;
            }
            EditReport edited = EditAlignment.Measure(asked.Edits.Draw(context, forced), asked.Asked);
            details[prefix + "edit"] = edited.Success.Value;
            foreach ((EditKind kind, Proportion success) in edited.ByKind)
            {
                details[$"{prefix}edit.{JsonNamingPolicy.CamelCase.ConvertName(kind.ToString())}"] = success.Value;
            }
        }
        return new MetricResult(details["all"]) { Details = details.Where(d => d.Key != "all").ToDictionary() };
    }

    private (Drawing, string[]) OfCaptions(MetricContext context)
    {
        (ShapeSkill Skill, ShapeScene Scene)[] scenes = [.. Enum.GetValues<ShapeSkill>().SelectMany(skill => Enumerable.Range(0, Scenes).Select(i =>
            (skill, SceneGenerator.Draw(skill, PairSplit.Seen, Streams.Managed(context.Seed, $"teacherForced.scene/{skill}", i)))))];
        string[] captions = [.. scenes.Select(s => CaptionGrammar.Write(CaptionGrammar.Describe(s.Scene, s.Skill)))];
        return (new Drawing(captions, [], Render(context, scenes.Select(s => s.Scene))), captions);
    }

    private (Drawing, SceneEdit[]) OfEdits(MetricContext context)
    {
        SceneEdit[] edits = [.. Enum.GetValues<EditKind>().SelectMany(kind => Enumerable.Range(0, Edits).Select(i =>
            SceneEdits.Draw(kind, PairSplit.Seen, Streams.Managed(context.Seed, $"teacherForced.edit/{kind}", i))))];
        return (new Drawing([.. edits.Select(e => context.Model.EditPrompt(e.Instruction))], Render(context, edits.Select(e => e.Before)), Render(context, edits.Select(e => e.After))), edits);
    }

    private static Tensor[] Render(MetricContext context, IEnumerable<ShapeScene> scenes) => [.. scenes.Select(s => SignedDistanceRenderer.Render(s, (int)context.Pictures.size(2)))];

    // What is asked, source pictures, and a right answer to each prompt.
    private sealed record Drawing(IReadOnlyList<string> Prompts, IReadOnlyList<Tensor> Sources, IReadOnlyList<Tensor> Answers)
    {
        public Tensor Draw(MetricContext context, bool forced)
        {
            int side = (int)context.Pictures.size(2);
            return context.Model.Generator().Draw(new GenerationRequest
            {
                Prompts = Prompts, Images = Sources, Height = side, Width = side, Sampling = context.Sampling, Seed = context.Seed, Teacher = forced ? Tokens(context.Model) : null,
            });
        }

        private Tensor Tokens(LoadedModel model)
        {
            Tensor weight = model.Autoencoder.parameters().First();
            return cat([.. stack(Answers).split(64).Select(part =>
                PatchOrder.Patchify(model.Autoencoder.ToModel(model.Autoencoder.Encode(part.to(weight.dtype, weight.device)).Mean), model.Model.Config.LatentPatchSize))]);
        }
    }
}
