using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Measures the drawn pictures: verified alignment where the source has a verifier, colour statistics everywhere.</summary>
internal static class MetricsStage
{
    public static void Run(StageContext context)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        string folder = context.Inputs["samples"];
        string[] prompts = JsonSerializer.Deserialize<string[]>(File.ReadAllText(Path.Combine(folder, "prompts.json"))) ?? [];
        using SafetensorsFile saved = SafetensorsFile.Open(Path.Combine(folder, SamplesStage.Pixels));
        Tensor pictures = saved.Read("pixels");
        Dictionary<string, double> numbers = [];
        if (context.Config.Data.Source == DataSource.Shapes)
        {
            AlignmentScore score = Alignment.Score(pictures, prompts);
            numbers["alignment"] = score.Overall;
            foreach ((string skill, SkillScore part) in score.Skills)
            {
                numbers["alignment." + skill] = part.Share;
            }
            numbers["alignment.ceiling"] = Alignment.Ceiling(prompts, context.Config.Data.ImageSize, context.Config.Seed);
        }
        StageFiles.WriteSummary(context.Directory, numbers);
    }
}
