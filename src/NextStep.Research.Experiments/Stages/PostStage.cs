namespace NextStep.Research.Experiments;

/// <summary>Lets a trained model learn from its own pictures and the verifier (<see cref="PostTrainer"/>): the cell's own model, or one of a folder; writes the released layout.</summary>
internal static class PostStage
{
    public static void Run(StageContext context)
    {
        ResearchConfig config = context.Config;
        PostTrainerConfig post = config.Training.Post;
        string start = post.Start is { } folder ? DataPath.Absolute(folder) : Path.Combine(context.Inputs["model"], ModelStage.ModelFolder);
        using LoadedModel loaded = ReleasedFolder.Load(start, config.OpenDevice());
        IReadOnlyList<double> rewards = PostTrainer.Train(config, loaded, new TrainingRun(
            context.Directory, "post",
            (images, numbers) => context.Progress(new StageProgress(images, post.Images, "images", numbers)),
            context.Cancellation) { Note = context.Note });
        ReleasedFolder.Save(Path.Combine(context.Directory, ModelStage.ModelFolder), loaded.Model, loaded.Autoencoder, loaded.Tokenizer, config.Data.ImageSize, new SamplingConfig()); // each cell puts its own beside the weights
        // Without the cell's own latents there are no held-out losses.
        (Dictionary<string, double> numbers, Dictionary<string, Curve> curves) = context.Inputs.TryGetValue("latents", out string? latents)
            ? ModelStage.Measure(config, loaded.Model, loaded.Tokenizer, latents)
            : ([], []);
        if (rewards.Count > 0)
        {
            (numbers["post.reward.first"], numbers["post.reward.last"]) = (rewards[0], rewards[^1]);
            curves["post.reward"] = new Curve("Reward of the pictures drawn to learn from", "images learned from", "mean reward",
                [.. rewards.Select((_, i) => (double)(post.Images * i / post.Rounds))], new Dictionary<string, IReadOnlyList<double>> { ["drawn"] = rewards });
        }
        StageFiles.WriteSummary(context.Directory, numbers);
        StageFiles.WriteCurves(context.Directory, curves);
    }
}
