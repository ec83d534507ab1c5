using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Measures the drawn pictures: in the shapes world verified alignment, with what the verifier says of fresh renders and of reconstructions beside it.</summary>
internal static class MetricsStage
{
    private const int CeilingScenes = 100;

    public static void Run(StageContext context)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        string folder = context.Inputs["samples"];
        using SafetensorsFile saved = SafetensorsFile.Open(Path.Combine(folder, SamplesStage.Pixels));
        string[] prompts = JsonSerializer.Deserialize<string[]>(saved.Metadata["prompts"]) ?? [];
        Tensor pictures = saved.Read("pixels");
        Dictionary<string, double> numbers = new()
        {
            ["samples.brightness"] = pictures.mean().item<float>(),
            ["samples.contrast"] = pictures.std([1, 2, 3]).mean().item<float>(),
        };
        if (context.Config.Data.Source == DataSource.Shapes)
        {
            Verify(context, pictures, prompts, numbers);
        }
        StageFiles.WriteSummary(context.Directory, numbers);
    }

    private static void Verify(StageContext context, Tensor pictures, string[] prompts, Dictionary<string, double> numbers)
    {
        AlignmentReport score = Alignment.Measure(pictures, prompts);
        numbers["alignment"] = score.Overall;
        numbers["alignment.low"] = score.Images.Low;
        numbers["alignment.high"] = score.Images.High;
        foreach (SkillAlignment skill in score.Skills)
        {
            numbers["alignment." + skill.Skill] = skill.Strict.Value;
        }
        foreach ((string reason, int count) in score.Reasons)
        {
            numbers["failures." + reason] = count;
        }
        ResearchConfig config = context.Config;
        string[] skills = [.. score.Skills.Select(s => s.Skill)];
        int each = Math.Max(1, CeilingScenes / skills.Length);
        numbers["alignment.ceiling.renders"] = Alignment.Ceiling(skills, each, config.Data.ImageSize, config.Seed).Overall;
        using ImageAutoencoder autoencoder = ReleasedFolder.LoadAutoencoder(Path.Combine(context.Inputs["autoencoder"], "vae"), config.Autoencoder.PatchSize);
        numbers["alignment.ceiling.reconstructions"] = Alignment.Ceiling(
            skills, each, config.Data.ImageSize, config.Seed, picture => autoencoder.Decode(autoencoder.Encode(picture).Mean).clamp(-1, 1)).Overall;
        EditMeasurement.Judge(context, autoencoder, numbers);
    }
}
