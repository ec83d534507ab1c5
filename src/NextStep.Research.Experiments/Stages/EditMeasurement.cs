using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Held-out edits of the shapes world: drawn in the samples stage, judged in the metrics stage. Nothing without <c>data.edits</c>.</summary>
internal static class EditMeasurement
{
    private const string Pixels = "edits.safetensors";
    private const int Shown = 24;
    private const int Across = 12;

    /// <summary>Draws <c>evaluation.samples</c> edits and a sheet of the first, twelve beside each other: sources, drawn results, one right answer each. Returns the sheet by role.</summary>
    public static IReadOnlyDictionary<string, string> Draw(StageContext context, LoadedModel loaded)
    {
        ResearchConfig config = context.Config;
        if (config.Data.Edits == 0)
        {
            return new Dictionary<string, string>();
        }
        using DisposeScope scope = NewDisposeScope();
        SceneEdit[] edits = Edits(config);
        Tensor[] sources = Render(edits, e => e.Before, config.Data.ImageSize);
        Tensor results = loaded.Generator().Draw(
            new GenerationRequest
            {
                Prompts = [.. edits.Select(e => loaded.EditPrompt(e.Instruction))],
                Images = sources,
                Height = config.Data.ImageSize,
                Width = config.Data.ImageSize,
                Sampling = config.Sampling,
                Seed = config.Seed,
            },
            p => context.Progress(new StageProgress(p.Tokens, p.Total, "tokens of edits", new Dictionary<string, double>())),
            context.Cancellation).cpu();
        SafetensorsFile.Write(Path.Combine(context.Directory, Pixels), new Dictionary<string, Tensor> { ["pixels"] = results });
        int shown = Math.Min(Shown, edits.Length), across = Math.Min(Across, shown);
        Tensor[] rows = [.. Enumerable.Range(0, shown / across).Select(band => band * across).SelectMany(first =>
            (Tensor[])[stack(sources[first..(first + across)]), results.narrow(0, first, across), stack(Render(edits[first..(first + across)], e => e.After, config.Data.ImageSize))])];
        ImageFile.Save(Path.Combine(context.Directory, "edits.png"), ImageGrid.Make(cat(rows), across, enlarge: SamplesStage.Enlarged(config)));
        return new Dictionary<string, string> { ["edits"] = "edits.png" };
    }

    /// <summary>
    /// <c>edit.success</c> (also by kind), <c>edit.preservation</c> in dB, and what bounds them: right answers and copies of the source, both
    /// through the autoencoder.
    /// </summary>
    public static void Judge(string samples, ResearchConfig config, ImageAutoencoder autoencoder, Measurements all)
    {
        string file = Path.Combine(samples, Pixels);
        if (config.Data.Edits == 0 || !File.Exists(file))
        {
            return;
        }
        using DisposeScope scope = NewDisposeScope();
        using SafetensorsFile saved = SafetensorsFile.Open(file);
        SceneEdit[] edits = Edits(config);
        EditReport report = EditAlignment.Measure(saved.Read("pixels"), edits);
        Dictionary<string, double> numbers = all.Numbers;
        all.Outcomes["edit.success"] = PictureOutcomes.Of(edits.Select(e => e.Instruction), report.Succeeded);
        numbers["edit.success"] = report.Success.Value;
        numbers["edit.success.low"] = report.Success.Low;
        numbers["edit.success.high"] = report.Success.High;
        numbers["edit.preservation"] = report.Preservation;
        foreach ((EditKind kind, Proportion success) in report.ByKind)
        {
            numbers["edit.success." + EnumNames.Format(kind)] = success.Value;
        }
        int size = config.Data.ImageSize;
        numbers["edit.success.ceiling"] = EditAlignment.Measure(Through(autoencoder, Render(edits, e => e.After, size)), edits).Success.Value;
        EditReport copy = EditAlignment.Measure(Through(autoencoder, Render(edits, e => e.Before, size)), edits);
        numbers["edit.success.copy"] = copy.Success.Value;
        numbers["edit.preservation.copy"] = copy.Preservation;
    }

    private static SceneEdit[] Edits(ResearchConfig config)
    {
        using ShapesEditSource source = new(config.Data, DataSplit.HeldOut, EditSide.Before, config.Seed);
        return [.. Enumerable.Range(0, Math.Min(config.Evaluation.Samples, source.Count)).Select(source.EditAt)];
    }

    private static Tensor[] Render(SceneEdit[] edits, Func<SceneEdit, ShapeScene> side, int size) => [.. edits.Select(e => SignedDistanceRenderer.Render(side(e), size))];

    private static Tensor Through(ImageAutoencoder autoencoder, Tensor[] pictures) =>
        cat([.. stack(pictures).split(64).Select(p => autoencoder.Decode(autoencoder.Encode(p).Mean).clamp(Scalars.Of(-1), Scalars.Of(1)))]);
}
