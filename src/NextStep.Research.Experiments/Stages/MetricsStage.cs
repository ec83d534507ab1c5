using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>
/// Measures the drawn pictures: distances to training pictures, artifacts with heat maps, in the shapes world verified alignment with its
/// ceilings, and of the model how drawn tokens behave under guidance.
/// </summary>
internal static class MetricsStage
{
    public static void Run(StageContext context)
    {
        using DisposeScope scope = NewDisposeScope();
        ResearchConfig config = context.Config;
        using SafetensorsFile saved = SafetensorsFile.Open(Path.Combine(context.Inputs["samples"], SamplesStage.Pixels));
        string[] prompts = JsonSerializer.Deserialize<string[]>(saved.Metadata["prompts"]) ?? [];
        Tensor pictures = saved.Read("pixels");
        using LoadedModel loaded = ReleasedFolder.Load(
            Path.Combine(ModelStage.Trained(context.Inputs), ModelStage.ModelFolder), config.OpenDevice(), config.Precision.ToScalarType());
        using IFeatureNetwork network = config.Evaluation.OpenNetwork();
        using Measurements all = new();
        all.Numbers["samples.brightness"] = pictures.mean().item<float>();
        all.Numbers["samples.contrast"] = pictures.std([1, 2, 3]).mean().item<float>();
        foreach ((string name, double value) in RasterEnds.OfLosses(RunFolder.Read<Dictionary<string, Curve>>(Path.Combine(ModelStage.Trained(context.Inputs), Curve.FileName)) ?? []))
        {
            all.Numbers[name] = value;
        }
        CellMeasures.Add(all, config, pictures, prompts, network, loaded, context.Cancellation, ProcessorSeconds(context));
        if (config.Evaluation.AlignmentTarget is { } target)
        {
            AlignmentTime.Add(all, config, target, context.Inputs, prompts, context.Cancellation);
        }
        CellMeasures.AddEdits(all, config, context.Inputs["samples"], loaded.Autoencoder);
        all.Run(p => context.Progress(new StageProgress(p.Done, p.Total, "measurements", all.Numbers)), context.Cancellation);
        StageFiles.Write(context.Directory, all, SaveMaps(context, all));
    }

    private static Dictionary<string, double> ProcessorSeconds(StageContext context) => context.Inputs
        .Select(input => (input.Key, RunFolder.Read<StageRecord>(Path.Combine(input.Value, StageRecord.FileName))?.ProcessorSeconds))
        .Where(input => input.ProcessorSeconds is not null).ToDictionary(input => input.Key, input => input.ProcessorSeconds!.Value);

    // Laid out like the sample sheet, so that a map lies over its pictures.
    private static Dictionary<string, string> SaveMaps(StageContext context, Measurements all)
    {
        Dictionary<string, string> files = [];
        foreach ((string name, Tensor maps) in all.Maps)
        {
            string role = "heatmap." + name;
            files[role] = role + ".png";
            using Tensor sheet = ImageGrid.Make(maps, SampleSheet.Columns((int)maps.size(0)), SampleSheet.Padding, background: -1, enlarge: SamplesStage.Enlarged(context.Config));
            ImageFile.Save(Path.Combine(context.Directory, files[role]), sheet);
        }
        return files;
    }
}
