namespace NextStep.Research.Experiments;

/// <summary>Lets a trained model learn from its own pictures and the verifier (<see cref="PostTrainer"/>): the cell's own model, or one of a folder; writes the released layout.</summary>
internal static class PostStage
{
    public static void Run(StageContext context)
    {
        ResearchConfig config = context.Config;
        PostTrainerConfig post = config.Training.Post;
        string start = post.Start is { } folder ? ShippedModel.FolderOf(folder) : Path.Combine(context.Inputs["model"], ModelStage.ModelFolder);
        using LoadedModel loaded = ReleasedFolder.Load(start, config.OpenDevice());
        PostRewards rewards = PostTrainer.Train(config, loaded, new TrainingRun(
            context.Directory, "post",
            (images, numbers) => context.Progress(new StageProgress(images, post.Images, "images", numbers)),
            context.Cancellation) { Note = context.Note });
        ReleasedFolder.Save(Path.Combine(context.Directory, ModelStage.ModelFolder), loaded.Model, loaded.Autoencoder, loaded.Tokenizer, config.Data.ImageSize, new SamplingConfig()); // each cell puts its own beside the weights
        // Without the cell's own latents there are no held-out losses.
        (Dictionary<string, double> numbers, Dictionary<string, Curve> curves) = context.Inputs.TryGetValue("latents", out string? latents)
            ? ModelStage.Measure(config, loaded.Model, loaded.Tokenizer, latents)
            : ([], []);
        foreach ((string name, string of, IReadOnlyList<double> drawn) in ((string, string, IReadOnlyList<double>)[])[("post.reward", "pictures", rewards.Pictures), ("post.edit.reward", "edits", rewards.Edits)])
        {
            if (drawn.Count > 0)
            {
                (numbers[name + ".first"], numbers[name + ".last"]) = (drawn[0], drawn[^1]);
                curves[name] = new Curve($"Reward of the {of} drawn to learn from", "images learned from", "mean reward",
                    [.. drawn.Select((_, i) => (double)(post.Images * i / post.Rounds))], new Dictionary<string, IReadOnlyList<double>> { ["drawn"] = drawn });
            }
        }
        StageFiles.WriteSummary(context.Directory, numbers);
        StageFiles.WriteCurves(context.Directory, curves);
    }
}
