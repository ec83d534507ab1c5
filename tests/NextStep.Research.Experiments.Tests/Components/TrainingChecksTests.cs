namespace NextStep.Research.Experiments.Tests;

/// <summary>What is said of optimizers, losses and detectors before anything is trained, and where files name them.</summary>
[Collection("catalog")]
public sealed class TrainingChecksTests : IDisposable
{
    private const string Steps = """
        public sealed record NAMEOptimizer : OptimizerConfig
        {
            public override Optimizer Build(OptimizerContext context) => new Code(context);
            private sealed class Code : Optimizer
            {
                private readonly Dictionary<string, Tensor> _momentum = [];
                public Code(OptimizerContext context)
                {
                    foreach ((string name, Tensor weight) in context.Weights) { _momentum[name] = KEEP; }
                }
                public override void Step(OptimizerStep step)
                {
                    foreach (LearningWeight w in step.Weights)
                    {
                        w.Weight.sub_(_momentum[w.Name].PlusInPlace(w.Gradient).Times(step.LearningRate));
                    }
                }
            }
        }
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("CheckKeeps", "Keep(\"momentum.\" + name, zeros_like(weight))", null)]
    [InlineData("CheckLoses", "zeros_like(weight).DetachFromDisposeScope()", "after a resume")]
    public void An_optimizer_is_tried_with_a_resume(string name, string keep, string? problem) =>
        Check(name, Steps.Replace("NAME", name, StringComparison.Ordinal).Replace("KEEP", keep, StringComparison.Ordinal), "training.model.optimizer: {0}", problem);

    [Theory]
    [InlineData("CheckCubed", "reconstruction.sub(picture).abs().pow(Scalars.Of(3)).mean()", null)]
    [InlineData("CheckPerPicture", "reconstruction.sub(picture).abs().mean([1, 2, 3])", "not a scalar")]
    [InlineData("CheckDetached", "reconstruction.detach().sub(picture).abs().mean()", "has no gradient")]
    public void A_loss_is_tried(string name, string of, string? problem) => Check(
        name,
        $$"""
        public sealed record {{name}}Loss : LossConfig
        {
            public override PictureLoss Build(Device device) => new Code();
            private sealed class Code : PictureLoss { public override Tensor Of(Tensor reconstruction, Tensor picture) => {{of}}; }
        }
        """,
        "training.autoencoder.losses: [squared, {{ type: {0}, weight: 0.5 }}]", problem);

    [Theory]
    [InlineData("CheckDark", "check-dark", "pictures.mean([1])", null)]
    [InlineData("CheckWrongName", "dark", "pictures.mean([1])", "called 'dark'")]
    [InlineData("CheckWrongMap", "check-wrong-map", "pictures", "a map of shape [3, 3, 32, 32]")]
    public void A_detector_is_tried(string name, string called, string map, string? problem)
    {
        Experiment experiment = Check(
            name,
            $$"""
            public sealed record {{name}}Detector : DetectorConfig
            {
                public override IReadOnlyList<IArtifactDetector> Build(TokenGrid grid) => [new Code()];
                private sealed class Code : IArtifactDetector
                {
                    public string Name => "{{called}}";
                    public ArtifactUnit Unit => ArtifactUnit.Share;
                    public string Meaning => "darkness";
                    public ArtifactReading Read(Tensor pictures)
                    {
                        using DisposeScope scope = NewDisposeScope();
                        double[] each = [.. pictures.mean([1, 2, 3]).to_type(ScalarType.Float64).data<double>()];
                        return new ArtifactReading(each.Average(), each, {{map}}.clone().DetachFromDisposeScope());
                    }
                }
            }
            """,
            problem is null ? "measure: [artifacts.{0}]" : "evaluation.detectors: [blockiness, {0}]", problem);
        Assert.Equal(problem is null ? 7 : 2, experiment.Arms[0].Config.Evaluation.Detectors!.Count); // measure adds it to the kit's six
    }

    [Fact]
    public void Detectors_of_one_name_are_refused_by_the_plan() =>
        Assert.Contains("'flat'", Assert.Throws<ConfigException>(() => ExperimentFile.Load(_folder.Write("x.yaml", "evaluation.detectors: [flat, flat]\n"))).Message);

    private Experiment Check(string name, string source, string line, string? problem)
    {
        string file = _folder.Write($"{name}.cs", source);
        Experiment experiment = ExperimentFile.Load(_folder.Write("x.yaml", $"uses: {file}\n{string.Format(System.Globalization.CultureInfo.InvariantCulture, line, ComponentNames(name))}\n"));
        if (problem is null)
        {
            ComponentCheck.Run(experiment);
        }
        else
        {
            Assert.Contains(problem, Assert.Single(Assert.Throws<ConfigException>(() => ComponentCheck.Run(experiment)).Errors).Message);
        }
        return experiment;
    }

    private static string ComponentNames(string name) => string.Concat(name.Select((c, i) => char.IsUpper(c) && i > 0 ? "-" + char.ToLowerInvariant(c) : $"{char.ToLowerInvariant(c)}"));
}
