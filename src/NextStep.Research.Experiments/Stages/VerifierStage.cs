namespace NextStep.Research.Experiments;

/// <summary>Measures the errors of the verifier that judges the shapes world, once for all cells with its picture size and skills. Nothing for other sources.</summary>
internal static class VerifierStage
{
    public static void Run(StageContext context)
    {
        ResearchConfig config = context.Config;
        using Measurements all = new();
        if (config.Data.Source == DataSource.Shapes && config.Evaluation.VerifierScenes > 0)
        {
            AlignmentMeasures.AddVerifier(
                all, SamplesStage.Skills(config), config.Evaluation.VerifierScenes, config.Data.ImageSize, config.Autoencoder.Downsampling, config.Seed, context.Cancellation);
        }
        all.Run(p => context.Progress(new StageProgress(p.Done, p.Total, "measurements", all.Numbers)), context.Cancellation);
        StageFiles.Write(context.Directory, all);
    }
}
