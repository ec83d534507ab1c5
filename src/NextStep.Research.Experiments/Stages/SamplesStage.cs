using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Draws the pictures that are shown and measured: fixed prompts, fixed noise, the same for every arm.</summary>
internal static class SamplesStage
{
    public const string Pixels = "samples.safetensors";
    public const int Shown = 32;

    public static void Run(StageContext context)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        ResearchConfig config = context.Config;
        IReadOnlyList<string> prompts = Prompts(config);
        using LoadedModel loaded = ReleasedFolder.Load(
            Path.Combine(ModelStage.Trained(context.Inputs), ModelStage.ModelFolder), config.OpenDevice(), config.Precision.ToScalarType());
        Tensor pictures = loaded.Generator().Draw(
            new GenerationRequest { Prompts = prompts, Height = config.Data.ImageSize, Width = config.Data.ImageSize, Sampling = config.Sampling, Seed = config.Seed },
            p => context.Progress(new StageProgress(p.Tokens, p.Total, "tokens", new Dictionary<string, double>())),
            context.Cancellation).cpu();
        SafetensorsFile.Write(
            Path.Combine(context.Directory, Pixels), new Dictionary<string, Tensor> { ["pixels"] = pictures },
            new Dictionary<string, string> { ["prompts"] = JsonSerializer.Serialize(prompts) });
        int shown = Math.Min(Shown, prompts.Count);
        ImageFile.Save(Path.Combine(context.Directory, "samples.png"), ImageGrid.Make(pictures.narrow(0, 0, shown), SampleSheet.Columns(shown), SampleSheet.Padding, enlarge: Enlarged(config)));
        StageFiles.WritePictures(context.Directory, new Dictionary<string, string>(EditMeasurement.Draw(context, loaded)) { ["samples"] = "samples.png" });
        StageFiles.WritePrompts(context.Directory, [.. prompts.Take(shown)]);
    }

    /// <summary>Whole pixels per pixel that make small pictures big enough to look at.</summary>
    public static int Enlarged(ResearchConfig config) => Math.Max(1, 96 / config.Data.ImageSize);

    /// <summary>The configured prompts repeated to the wanted number; else the source's own: of the shapes world by skill, of other sources training captions.</summary>
    public static IReadOnlyList<string> Prompts(ResearchConfig config)
    {
        int count = config.Evaluation.Samples;
        if (config.Sampling.Prompts.Count > 0)
        {
            return [.. Enumerable.Range(0, count).Select(i => config.Sampling.Prompts[i % config.Sampling.Prompts.Count])];
        }
        if (config.Data.Source == DataSource.Shapes)
        {
            string[] skills = [.. Skills(config)];
            // A skill with fewer distinct prompts than wanted starts over; the noise still differs.
            IReadOnlyList<string>[] bySkill = [.. skills
                .Select(s => ShapesSource.EvaluationPrompts(s, (count + skills.Length - 1) / skills.Length, config.Seed, config.Evaluation.Pairs)).Where(p => p.Count > 0)];
            return bySkill.Length == 0
                ? throw new ArgumentException($"evaluation.pairs: the skills {string.Join(", ", skills)} name no colours, so none of their prompts has a held-out pair.")
                : [.. Enumerable.Range(0, count).Select(i => bySkill[i % bySkill.Length][i / bySkill.Length % bySkill[i % bySkill.Length].Count])];
        }
        using IImageSource source = ImageSources.Open(config.Data, DataSplit.Train, config.Seed);
        int[] order = Streams.Managed(config.Seed, "evaluation.prompts").Permutation(source.Count);
        return [.. Enumerable.Range(0, count).Select(i => source.Caption(order[i % order.Length]))];
    }

    /// <summary>Skills whose prompts are drawn and verified.</summary>
    public static IReadOnlyList<string> Skills(ResearchConfig config) =>
        config.Evaluation.Skills.Count > 0 ? config.Evaluation.Skills : config.Data.Skills.Count > 0 ? config.Data.Skills : ShapesSource.SkillNames;
}
