using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>
/// Tries the components of the user on a few numbers before anything is trained: they build, a head's loss is finite and has gradients for its
/// parameters, its sampler gives [m, d], the same noise gives the same bits, and nothing stays alive.
/// </summary>
internal static class ComponentCheck
{
    private const int Rows = 6, Width = 16, Pictures = 3;
    private const double Rounding = 1e-3;

    /// <summary>Checks every component of an experiment that is not built in, each configuration once.</summary>
    /// <exception cref="ConfigException">What is wrong, one sentence a component.</exception>
    public static void Run(Experiment experiment)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        List<ConfigError> errors = [];
        HashSet<ComponentConfig> seen = [];
        foreach (Arm arm in experiment.Arms)
        {
            ResearchConfig config = arm.Config;
            Try("model.head", config.Model.Head, () => Head(config.Model.Head, TokenSteps.Of(config.Model).DrawnAsOne * config.Autoencoder.TokenWidth));
            Try("autoencoder.normalization", config.Autoencoder.Normalization, () => Normalization(config.Autoencoder));
            Try("sampling.solver", config.Sampling.Solver, () => Steps(config.Sampling.Solver));
            Try("data.source", config.Data.Source, () => Source(config.Data));
            Try("sampling.guidanceSchedule", config.Sampling.GuidanceSchedule, () => ModelChecks.Guidance(config.Sampling.GuidanceSchedule));
            if (config.Sampling.StepSchedule is { } steps)
            {
                Try("sampling.stepSchedule", steps, () => ModelChecks.Steps(steps));
            }
            Try("model.transformer.layer", config.Model.Transformer.Layer, () => ModelChecks.Layer(config.Model.Transformer.Layer));
            Try("model.tokenizer", config.Model.Tokenizer, () => ModelChecks.Tokenizer(config.Model.Tokenizer, [.. config.Data.Source.Words]));
            Try("training.model.optimizer", config.Training.Model.Optimizer, () => TrainingChecks.Steps(config.Training.Model.Optimizer));
            Try("training.autoencoder.optimizer", config.Training.Autoencoder.Optimizer, () => TrainingChecks.Steps(config.Training.Autoencoder.Optimizer));
            foreach (LossConfig loss in config.Training.Autoencoder.Losses ?? [])
            {
                Try("training.autoencoder.losses", loss, () => TrainingChecks.Loss(loss, config.Data.ImageSize));
            }
            foreach (DetectorConfig detector in config.Evaluation.Detectors ?? [])
            {
                Try("evaluation.detectors", detector, () => MeasureChecks.Detector(detector, TokenGrid.Of(config.Autoencoder), config.Data.ImageSize));
            }
            foreach (Metric metric in config.Evaluation.Metrics)
            {
                Try("evaluation.metrics", metric, () => MeasureChecks.Metric(metric, config));
            }
        }
        if (errors.Count > 0)
        {
            throw new ConfigException(errors);
        }

        void Try(string path, ComponentConfig component, Func<string?> check)
        {
            if (ComponentCatalog.SourceOf(component.GetType()) is not { } source || !seen.Add(component))
            {
                return;
            }
            string? problem;
            int? line = null;
            long before = Alive;
            try
            {
                check(); // once for what the first call sets up
                before = Alive;
                problem = check() ?? (Alive == before ? null : $"leaves {Alive - before} tensors alive");
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                problem = $"fails when it is tried: {e.Message}";
                line = ComponentPlace.Thrown(e, source.File);
            }
            if (problem is not null)
            {
                errors.Add(new ConfigError(source.File.Length > 0 ? source.File : "notebook", line ?? ComponentPlace.Declared(component.GetType(), source.File), path, $"{ComponentCatalog.NameOf(component.GetType())} {problem}"));
            }
        }
    }

    private static long Alive => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    private static string? Head(TokenHeadConfig config, int tokenWidth)
    {
        using DisposeScope scope = NewDisposeScope();
        using TokenHead head = config.Build(new TokenHeadContext(new FlowHeadConfig { TokenWidth = tokenWidth, ConditionWidth = Width, Width = Width, Layers = 1 }));
        Initialization.Apply(head, 0);
        Tensor target = Numbers("target", Rows, tokenWidth), condition = Numbers("condition", Rows, Width);
        {
            TokenLoss loss = Lose(), again = Lose();
            if (loss.PerToken.dim() != 1 || loss.PerToken.size(0) != Rows || loss.Mean.numel() != 1)
            {
                return $"gives a loss by token of shape [{string.Join(", ", loss.PerToken.shape)}] for {Rows} tokens, not [{Rows}] with a scalar mean";
            }
            if (!loss.Mean.isfinite().all().item<bool>())
            {
                return "has a loss that is not finite at its first weights";
            }
            if (!loss.Mean.eq(again.Mean).all().item<bool>())
            {
                return "has another loss of the same noise";
            }
            loss.Mean.backward();
        }
        string[] without = [.. head.named_parameters().Where(p => p.parameter.grad is null).Select(p => p.name)];
        if (without.Length > 0 || !head.parameters().Any())
        {
            return without.Length > 0 ? $"has a loss without a gradient for {string.Join(", ", without)}" : "has no parameters; RegisterComponents() belongs at the end of its constructor";
        }
        head.eval();
        Tensor conditions = Numbers("conditions", 2 * Pictures, Width);
        using TokenHeadSampler sampler = head.Sampler(new FlowSamplerOptions { Steps = 2 });
        Tensor[] twice = [Draw(), Draw()];
        return !twice[0].shape.SequenceEqual([Pictures, tokenWidth]) ? $"draws tokens of shape [{string.Join(", ", twice[0].shape)}], not [{Pictures}, {tokenWidth}]"
            : !twice[0].isfinite().all().item<bool>() ? "draws numbers that are not finite"
            : !twice[0].eq(twice[1]).all().item<bool>() ? "draws other tokens from the same noise"
            : null;

        TokenLoss Lose()
        {
            using NoiseSource noise = new DrawnNoise(1, "check.loss");
            return head.Loss(target, condition, noise);
        }

        Tensor Draw()
        {
            using NoiseSource noise = new DrawnNoise(1, "check.sample");
            return sampler.Sample(conditions, new Guidance(GuidanceBranches.Text, 2), noise);
        }
    }

    private static string? Normalization(AutoencoderConfig config)
    {
        using DisposeScope scope = NewDisposeScope();
        using LatentNormalizer normalizer = config.Normalization.Build(config, null);
        Tensor latents = Numbers("latents", 2, config.LatentChannels, 2 * config.PatchSize, 2 * config.PatchSize);
        if (normalizer.NeedsStatistics)
        {
            normalizer.Fit([latents.to_type(ScalarType.Float64)]);
        }
        Tensor normalized = normalizer.Apply(latents, false);
        return !normalized.shape.SequenceEqual(latents.shape) ? $"makes [{string.Join(", ", normalized.shape)}] of latents [{string.Join(", ", latents.shape)}]"
            : !normalized.isfinite().all().item<bool>() ? "makes numbers that are not finite"
            : !normalized.eq(normalizer.Apply(latents, false)).all().item<bool>() ? "makes other numbers of the same latents when it is asked again"
            : null;
    }

    // With the velocity 1 every solver without noise moves the state by 1.
    private static string? Steps(SamplingSolver solver)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        SolverSteps steps = solver.Build(new FlowSamplerOptions { Solver = solver, Steps = 3 });
        Tensor state = Walk();
        return steps.Times.Any(t => t is < 0 or > 1) ? "asks for a velocity outside of the times 0 to 1"
            : !state.shape.SequenceEqual([Pictures, Width]) ? $"makes a state of shape [{string.Join(", ", state.shape)}] of [{Pictures}, {Width}]"
            : !state.isfinite().all().item<bool>() ? "makes numbers that are not finite"
            : !state.eq(Walk()).all().item<bool>() ? "comes to another state with the same noise; its noise is what draw gives"
            : null;

        Tensor Walk()
        {
            Tensor x = Numbers("state", Pictures, Width);
            using NoiseSource noise = new DrawnNoise(1, "check.solver");
            for (int i = 0; i < steps.Count; i++)
            {
                x = steps.Step(x, i, (at, index) => index >= 0 && index < steps.Times.Count ? ones_like(at) : throw new ArgumentOutOfRangeException(nameof(index), index, "There is no such time."), () => noise.Normal(Pictures, Width));
            }
            return x;
        }
    }

    private static string? Source(DataConfig data)
    {
        using DisposeScope scope = NewDisposeScope();
        using IImageSource source = ImageSources.Open(data, DataSplit.Train, 0);
        if (source.Count < 1)
        {
            return "holds no pictures";
        }
        using CaptionedImage first = source.Load(0), again = source.Load(0);
        long[] wanted = [3, data.ImageSize, data.ImageSize];
        return !first.Pixels.shape.SequenceEqual(wanted) ? $"gives pictures of shape [{string.Join(", ", first.Pixels.shape)}], not [{string.Join(", ", wanted)}]"
            : !first.Pixels.abs().le(Scalars.Of(1 + Rounding)).all().item<bool>() ? "gives pixels that are not numbers from -1 to 1"
            : !first.Pixels.eq(again.Pixels).all().item<bool>() || first.Caption != again.Caption || first.Caption != source.Caption(0) ? "gives another picture or caption when it is asked again"
            : null;
    }

    internal static Tensor Numbers(string name, params long[] shape)
    {
        using NoiseSource noise = new DrawnNoise(1, "check." + name);
        return noise.Normal(shape);
    }
}
