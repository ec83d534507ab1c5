using System.Text.RegularExpressions;

namespace NextStep.Research.Experiments;

/// <summary>What is wrong with a configuration although every value of it is one by itself: found before the first step, not in the middle of a night.</summary>
/// <param name="Paths">The config paths to blame; the first is named, the last one set is where a mend begins.</param>
/// <param name="Message">What is wrong, and what to do.</param>
internal sealed partial record ConfigProblem(IReadOnlyList<string> Paths, string Message)
{
    /// <summary>All of a configuration.</summary>
    public static IEnumerable<ConfigProblem> Of(ResearchConfig config) =>
        [.. Model(config), .. Weights(config), .. Head(config), .. Detectors(config), .. Pictures(config), .. Steps(config), .. Times(config), .. Untrained(config), .. Post(config), .. Names(config), .. Device(config), .. Contents(config)];

    private static IEnumerable<ConfigProblem> Model(ResearchConfig config)
    {
        ConfigProblem? problem = null;
        try
        {
            _ = ModelSizes.Resolve(config.Model, config.Autoencoder, new ByteTokenizer());
        }
        catch (ArgumentException e)
        {
            const string prefix = "model.transformer: ";
            problem = new ConfigProblem(
                ["model.transformer.heads", "model.transformer.keyValueHeads", "model.transformer.width", "model.size"],
                e.Message.StartsWith(prefix, StringComparison.Ordinal) ? e.Message[prefix.Length..] : e.Message);
        }
        return problem is null ? [] : [problem];
    }

    // Names are those of a model without memory; built only where weights are named.
    private static IEnumerable<ConfigProblem> Weights(ResearchConfig config)
    {
        const string frozenPath = "training.model.frozen", freshPath = "training.model.fresh", start = "training.model.start";
        (IReadOnlyList<string> frozen, IReadOnlyList<string> fresh) = (config.Training.Model.Frozen, config.Training.Model.Fresh);
        if ((frozen.Count == 0 && fresh.Count == 0) || Model(config).Any())
        {
            return [];
        }
        using NextStepModel model = new(ModelSizes.Resolve(config.Model, config.Autoencoder, new ByteTokenizer()), TorchSharp.torch.META);
        string[] names = [.. model.named_parameters().Select(p => p.name)];
        string[] modules = [.. names.Select(n => n.Split('.')).SelectMany(p => Enumerable.Range(1, p.Length).Select(k => string.Join('.', p[..k]))).Distinct()];
        return
        [
            .. Unknown(frozenPath, frozen), .. Unknown(freshPath, fresh),
            .. All(frozen) ? (ConfigProblem[])[new ConfigProblem([frozenPath], "all weights are frozen, so that nothing learns")] : [],
            .. fresh.Count > 0 && config.Training.Model.Start is null ? (ConfigProblem[])[new ConfigProblem([freshPath, start], "without training.model.start all weights are fresh; name one, or leave this out")] : [],
            .. All(fresh) ? (ConfigProblem[])[new ConfigProblem([freshPath, start], "nothing is left that the start could give")] : [],
        ];

        IEnumerable<ConfigProblem> Unknown(string path, IReadOnlyList<string> patterns) =>
            StartWeights.Unknown(names, patterns).Select(u => new ConfigProblem([path], $"no weight is called '{u}'{NearestName.Hint(u, modules)}"));

        bool All(IReadOnlyList<string> patterns) => patterns.Count > 0 && names.All(n => StartWeights.Unknown([n], patterns).Count < patterns.Count);
    }

    // The steps of the first and of the last token.
    private static IEnumerable<ConfigProblem> Head(ResearchConfig config)
    {
        SamplingConfig sampling = config.Sampling;
        FlowSamplerOptions options = new() { Solver = sampling.Solver, Steps = sampling.Steps, TimestepShift = sampling.TimestepShift, NoiseLevel = sampling.NoiseLevel };
        string? problem = config.Model.Head.Problem(options) ?? (sampling.FinalSteps is { } final ? config.Model.Head.Problem(options with { Steps = final }) : null);
        return problem is null ? [] : [new ConfigProblem(["sampling.steps", "sampling.solver", "model.head"], problem)];
    }

    private static IEnumerable<ConfigProblem> Detectors(ResearchConfig config)
    {
        ConfigProblem? problem = null;
        try
        {
            _ = ArtifactSuite.Detectors(TokenGrid.Of(config.Autoencoder), config.Evaluation.Detectors);
        }
        catch (ArgumentException e)
        {
            problem = new ConfigProblem(["evaluation.detectors"], e.Message);
        }
        return problem is null ? [] : [problem];
    }

    private static IEnumerable<ConfigProblem> Pictures(ResearchConfig config)
    {
        int token = config.Autoencoder.PixelsPerToken, size = config.Data.ImageSize;
        if (size % token != 0)
        {
            yield return new ConfigProblem(["data.imageSize", "autoencoder.multipliers", "autoencoder.patchSize"],
                $"{size} pixels are no multiple of the {token} of an image token; the nearest are {Math.Max(1, size / token) * token} and {((size / token) + 1) * token}, or change autoencoder.multipliers or patchSize");
        }
        if (config.Data.Edits > 0 && config.Data.Source != DataSource.Shapes)
        {
            yield return new ConfigProblem(["data.edits", "data.source"], $"only the shapes world has edits; the source is {ComponentCatalog.NameOf(config.Data.Source.GetType())}");
        }
    }

    private static IEnumerable<ConfigProblem> Steps(ResearchConfig config)
    {
        int side = config.Data.ImageSize / config.Autoencoder.PixelsPerToken;
        TokenSteps steps = TokenSteps.Of(config.Model);
        if (side > 0 && steps.Problem(side, side) is { } problem)
        {
            yield return new ConfigProblem(["model.tokensAStep", "model.order", "data.imageSize"], problem);
        }
        if (!steps.Plain && config.Training.Post is { Start: null, Method: not PostMethod.None })
        {
            yield return new ConfigProblem(["training.post.method", "model.tokensAStep", "model.order"], PostTrainer.StepsProblem);
        }
    }

    private static IEnumerable<ConfigProblem> Times(ResearchConfig config)
    {
        if (config.Evaluation.AlignmentTarget is null)
        {
            yield break;
        }
        if (config.Data.Source != DataSource.Shapes)
        {
            yield return new ConfigProblem(["evaluation.alignmentTarget", "data.source"], $"alignment is verified in the shapes world only; the source is {ComponentCatalog.NameOf(config.Data.Source.GetType())}");
        }
        if (!config.Training.Model.Snapshots.Any(s => s <= config.Training.Model.Images))
        {
            yield return new ConfigProblem(["evaluation.alignmentTarget", "training.model.snapshots"], $"there are no weights on the way to draw with: set training.model.snapshots to numbers of images up to {config.Training.Model.Images}");
        }
    }

    // First weights that nothing trains are a mistake; those of a start are a choice.
    private static IEnumerable<ConfigProblem> Untrained(ResearchConfig config)
    {
        TrainingConfig training = config.Training;
        foreach ((string stage, TrainerConfig trainer, string? start) in ((string, TrainerConfig, string?)[])[("autoencoder", training.Autoencoder, training.Autoencoder.Start), ("model", training.Model, training.Model.Start)])
        {
            if (trainer.Images == 0 && start is null)
            {
                yield return new ConfigProblem([$"training.{stage}.images", $"training.{stage}.start"], $"0 images train nothing; that is for weights that training.{stage}.start names");
            }
        }
    }

    private static IEnumerable<ConfigProblem> Post(ResearchConfig config)
    {
        const string method = "training.post.method", start = "training.post.start";
        PostTrainerConfig post = config.Training.Post;
        if (post.Start is not null && config.Evaluation.AlignmentTarget is not null)
        {
            yield return new ConfigProblem([start, "evaluation.alignmentTarget"], "the time to an alignment is that of the cell's own training, which a start from a folder leaves out; unset one of the two");
        }
        if (post.Method == PostMethod.None)
        {
            yield break;
        }
        if (config.Data.Source != DataSource.Shapes && post.Method != PostMethod.Distill)
        {
            yield return new ConfigProblem([method, "data.source"], $"the reward is the verifier of the shapes world; the source is {ComponentCatalog.NameOf(config.Data.Source.GetType())}");
        }
        if (post.Method is PostMethod.Dpo or PostMethod.Grpo && post.Start is null && config.Model.Head is not FlowHead)
        {
            yield return new ConfigProblem([method, "model.head"], $"{(post.Method == PostMethod.Dpo ? "dpo compares flow losses" : "grpo learns the steps of a flow")}, which the head {ComponentCatalog.NameOf(config.Model.Head.GetType())} does not have; use reject, or the head flow");
        }
        if (post.Method == PostMethod.Distill && DistillationProblem(config) is { } cannot)
        {
            yield return new ConfigProblem([method, "training.post.teacherSteps", "sampling.steps", "sampling.guidance", "sampling.solver", "model.head"], cannot);
        }
        if (post.Edits > 0 && (post.Method == PostMethod.Dpo || config.Data.Edits == 0))
        {
            yield return new ConfigProblem(["training.post.edits", method, "data.edits"], post.Method == PostMethod.Dpo
                ? "edits are learned from by the methods reject, distill and grpo" : "there are no edits to draw; set data.edits to their number");
        }
        if (post.Method == PostMethod.Dpo && (post.Draws < 2 || post.BatchSize < 2 || post.BatchSize % 2 != 0))
        {
            yield return new ConfigProblem([method, "training.post.draws", "training.post.batchSize"], $"dpo learns from pairs: training.post.draws must be at least 2 and batchSize even; they are {post.Draws} and {post.BatchSize}");
        }
        foreach (ConfigProblem problem in post.Method == PostMethod.Grpo ? Policy(config) : [])
        {
            yield return problem;
        }
        if (post.Rounds > (post.Images + post.BatchSize - 1) / post.BatchSize)
        {
            yield return new ConfigProblem(["training.post.rounds", "training.post.images", "training.post.batchSize"], $"{post.Rounds} rounds do not fit into the {(post.Images + post.BatchSize - 1) / post.BatchSize} steps of {post.Images} images in batches of {post.BatchSize}");
        }
    }

    private static string? DistillationProblem(ResearchConfig config) =>
        config.Training.Post.Start is null && config.Model.Head is not FlowHead
            ? $"distill follows a velocity, which the head {ComponentCatalog.NameOf(config.Model.Head.GetType())} does not have in this form; use the head flow"
            : DistillationObjective.Problem(config.Sampling, config.Training.Post);

    private static IEnumerable<ConfigProblem> Policy(ResearchConfig config)
    {
        PostTrainerConfig post = config.Training.Post;
        long steps = (post.Images + post.BatchSize - 1) / post.BatchSize;
        if (post.Rounds != steps)
        {
            yield return new ConfigProblem(["training.post.rounds", "training.post.images", "training.post.batchSize"], $"grpo draws anew for every step: set training.post.rounds to the {steps} steps of {post.Images} images in batches of {post.BatchSize}; it is {post.Rounds}");
        }
        if (post.Draws < 2 || post.BatchSize > (long)post.Prompts * post.Draws)
        {
            yield return new ConfigProblem(["training.post.draws", "training.post.prompts", "training.post.batchSize"], $"grpo compares the pictures of a prompt and learns from each once: training.post.draws must be at least 2 and prompts × draws at least batchSize; they are {post.Draws}, {post.Prompts} and {post.BatchSize}");
        }
        if ((post.Guidance ?? config.Sampling.Guidance) is not 1 and double guidance)
        {
            yield return new ConfigProblem(["training.post.guidance"], $"grpo learns the probabilities of unguided draws: set it to 1; it is {guidance}");
        }
        if (post.Replay > 0)
        {
            yield return new ConfigProblem(["training.post.replay"], "grpo learns from drawn pictures alone; use klWeight against forgetting");
        }
        if (config.Sampling.Steps < 2)
        {
            yield return new ConfigProblem(["sampling.steps"], "grpo learns from stochastic steps, and the last one is none; set it to 2 or more");
        }
    }

    private static IEnumerable<ConfigProblem> Names(ResearchConfig config)
    {
        IEnumerable<ConfigProblem> Unknown(string path, IReadOnlyList<string> given, IReadOnlyList<string> known, string what) =>
            given.Where(g => !known.Contains(g)).Select(g => new ConfigProblem([path], $"'{g}' is no {what}{NearestName.Hint(g, known)}"));
        return
        [
            .. Unknown("data.skills", config.Data.Skills, ShapesSource.SkillNames, "skill of the shapes world"),
            .. Unknown("evaluation.skills", config.Evaluation.Skills, ShapesSource.SkillNames, "skill of the shapes world"),
            .. config.Data.Groups.Count == 0 ? [] : Unknown("data.groups", config.Data.Groups, EmojiSource.Groups, "group of emoji"),
        ];
    }

    private static IEnumerable<ConfigProblem> Device(ResearchConfig config) => DeviceName().IsMatch(config.Device) ? []
        : [new ConfigProblem(["device"], $"'{config.Device}' is no device; write cpu or cuda:0{(config.Device.Contains(',', StringComparison.Ordinal) ? " (a list is for generate and edit)" : "")}")];

    private static IEnumerable<ConfigProblem> Contents(ResearchConfig config)
    {
        foreach (Content content in Content.All)
        {
            string? problem = null;
            try
            {
                content.Check(config);
            }
            catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or ArgumentException)
            {
                problem = e.Message;
            }
            if (problem is not null)
            {
                yield return new ConfigProblem([content.Path, .. content.Inputs], problem);
            }
        }
    }

    [GeneratedRegex(@"^(cpu|cuda(:\d{1,3})?|mps)$")]
    private static partial Regex DeviceName();
}
