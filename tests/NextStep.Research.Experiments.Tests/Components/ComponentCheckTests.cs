using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments.Tests;

/// <summary>What is said of a component before anything is trained, and that the five of the repository pass.</summary>
[Collection("catalog")]
public sealed class ComponentCheckTests : IDisposable
{
    private const string Head = """
        public sealed record NAMEHead : TokenHeadConfig { public override TokenHead Build(TokenHeadContext context) => new NAMECode(context); }
        public sealed class NAMECode : TokenHead
        {
            private readonly Linear net, other;
            public NAMECode(TokenHeadContext context) : base(context)
            {
                net = nn.Linear(context.ConditionWidth, context.TokenWidth);
                other = nn.Linear(2, 2);
                RegisterComponents();
            }
            private Tensor Also => other.weight.sum().Times(0);
            public override TokenLoss Loss(Tensor target, Tensor condition, NoiseSource noise, Tensor? mask = null) => LOSS;
            public override TokenHeadSampler Sampler(FlowSamplerOptions options) => new Draws(this);
            private sealed class Draws(NAMECode head) : TokenHeadSampler
            {
                public override int Evaluations => 1;
                public override Tensor Sample(Tensor conditions, Guidance guidance, NoiseSource noise, Action<Tensor>? onStep = null)
                {
                    using var guard = no_grad();
                    return SAMPLE;
                }
            }
        }
        """;

    private const string RightLoss = "TokenLoss.Of(target.sub(net.forward(condition)).Squared().mean([-1]).Plus(Also).Plus(other.bias!.sum()), mask: mask)";
    private const string RightSample = "guidance.Combine(head.net.forward(conditions))";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("CheckRight", RightLoss, RightSample, null)]
    [InlineData("CheckForgotten", "TokenLoss.Of(target.sub(net.forward(condition)).Squared().mean([-1]), mask: mask)", RightSample, "without a gradient for other.weight, other.bias")]
    [InlineData("CheckInfinite", "TokenLoss.Of(net.forward(condition).sum([-1]).Plus(Also).Plus(other.bias!.sum()).Over(0), mask: mask)", RightSample, "not finite at its first weights")]
    [InlineData("CheckOwnNoise", "TokenLoss.Of(target.sub(net.forward(condition)).Plus(randn(1)).Squared().mean([-1]).Plus(Also).Plus(other.bias!.sum()), mask: mask)", RightSample, "another loss of the same noise")]
    [InlineData("CheckShape", RightLoss, "head.net.forward(conditions)", "tokens of shape [6, 8], not [3, 8]")]
    [InlineData("CheckRandom", RightLoss, "guidance.Combine(head.net.forward(conditions)).Plus(randn(3, 8))", "other tokens from the same noise")]
    [InlineData("CheckKept", RightLoss, "guidance.Combine(head.net.forward(conditions)).Plus(ones(1).DetachFromDisposeScope())", "tensors alive")]
    public void A_head_is_tried_before_it_is_trained(string name, string loss, string sample, string? problem)
    {
        string file = _folder.Write($"{name}.cs", Head.Replace("NAME", name, StringComparison.Ordinal).Replace("LOSS", loss, StringComparison.Ordinal).Replace("SAMPLE", sample, StringComparison.Ordinal));
        Experiment experiment = ExperimentFile.Load(_folder.Write("x.yaml", $"uses: {file}\nautoencoder: {{ latentChannels: 2 }}\nmodel.head: {ComponentCatalog.NameOf(UsedType(file, name))}\n"));
        if (problem is null)
        {
            ComponentCheck.Run(experiment);
            return;
        }
        ConfigError error = Assert.Single(Assert.Throws<ConfigException>(() => ComponentCheck.Run(experiment)).Errors);
        Assert.Contains(problem, error.Message);
        Assert.Equal((file, 1), (error.File, error.Line));
    }

    [Theory]
    [InlineData("autoencoder.normalization: thrown", 6, "thrown fails when it is tried: no such thing", """
        public sealed record ThrownNormalization : LatentNormalization
        {
            public override LatentNormalizer Build(AutoencoderConfig autoencoder, Device? device) => new Code();
            private sealed class Code : LatentNormalizer
            {
                public override Tensor Apply(Tensor latents, bool training) => throw new InvalidOperationException("no such thing");
            }
        }
        """)]
    [InlineData("autoencoder.normalization: dice", 2, "dice makes other numbers of the same latents", """

        public sealed record DiceNormalization : LatentNormalization
        {
            public override LatentNormalizer Build(AutoencoderConfig autoencoder, Device? device) => new Code();
            private sealed class Code : LatentNormalizer { public override Tensor Apply(Tensor latents, bool training) => latents.Plus(randn(1)); }
        }
        """)]
    [InlineData("sampling.solver: gambler", 1, "gambler comes to another state with the same noise", """
        public sealed record GamblerSolver : SamplingSolver
        {
            public override SolverSteps Build(FlowSamplerOptions options) => new Code(options);
            private sealed class Code(FlowSamplerOptions options) : SolverSteps
            {
                public override int Count => options.Steps;
                public override IReadOnlyList<float> Times { get; } = TimestepSchedule.Grid(options.Steps, options.TimestepShift)[..^1];
                public override Tensor Step(Tensor x, int step, Func<Tensor, int, Tensor> velocity, Func<Tensor> draw) => x.Plus(velocity(x, step)).Plus(randn(1));
            }
        }
        """)]
    [InlineData("data.source: glaring", 1, "glaring gives pixels that are not numbers from -1 to 1", """
        public sealed record GlaringSource : DataSource { public override IImageSource Open(DataConfig data, DataSplit split, long seed) => new Glaring(data); }
        public sealed class Glaring(DataConfig data) : IImageSource
        {
            public string Name => "glaring";
            public int Count => 100;
            public IReadOnlyList<UnreadablePicture> Unreadable => [];
            public string Id(int index) => $"{index}";
            public string Caption(int index) => "light";
            public CaptionedImage Load(int index) => new(full([3, data.ImageSize, data.ImageSize], Scalars.Of(255)), Caption(index), Id(index));
            public void Dispose() { }
        }
        """)]
    public void What_is_wrong_is_one_sentence_with_file_and_line(string line, int at, string problem, string source)
    {
        string file = _folder.Write($"wrong-{at}-{line[^5..]}.cs", source);
        Experiment experiment = ExperimentFile.Load(_folder.Write("x.yaml", $"uses: {file}\n{line}\n"));
        ConfigError error = Assert.Single(Assert.Throws<ConfigException>(() => ComponentCheck.Run(experiment)).Errors);
        Assert.Contains(problem, error.Message);
        Assert.Equal((file, at), (error.File, error.Line));
    }

    [Fact]
    public void A_component_without_defaults_is_told_to_have_properties()
    {
        string file = _folder.Write("closed.cs", "public sealed record ClosedNormalization(double Scale) : LatentNormalization { public override LatentNormalizer Build(AutoencoderConfig autoencoder, Device? device) => throw new NotSupportedException(); }");
        ConfigError error = Assert.Single(Assert.Throws<ConfigException>(() => UsedComponents.Use(file)).Errors);
        Assert.Contains("ClosedNormalization has no public constructor without arguments", error.Message);
    }

    [Fact]
    public void The_five_of_the_repository_pass_and_are_short()
    {
        Experiment experiment = ExperimentFile.Load(Path.Combine(Sources.Root, "experiments", "components.yaml"));
        ComponentCheck.Run(experiment);
        Assert.Equal(5, experiment.Uses.Count);
        Assert.All(experiment.Uses, u => Assert.InRange(File.ReadAllLines(u.File).Length, 1, 59));
        Plan plan = Plan.Make(experiment, StandardStages.All);
        Assert.Equal(["autoencoder", "latents"], Shared("gaussian head"));
        Assert.Equal(["autoencoder", "latents", "model"], Shared("midpoint, as many evaluations"));

        IEnumerable<string> Shared(string arm) => plan.Cells[0].Stages.Intersect(plan.Cells.First(c => c.Arm == arm).Stages).Where(s => s.Kind != "verifier").Select(s => s.Kind);
    }

    [Fact]
    public void An_arm_from_code_has_its_differences_and_the_same_keys_in_another_session()
    {
        Experiment plain = ExperimentFile.Load(_folder.Write("y.yaml", "name: y\n"));
        ResearchConfig config = plain.Arms[0].Config;
        Experiment experiment = plain.WithArm("own", config with { Model = config.Model with { Head = new HereHead() } });
        Assert.Equal("here", experiment.Arms[1].Differences["model.head"]);
        Assert.Equal(ComponentCatalog.SourceOf(typeof(HereHead))!.Hash, experiment.Arms[1].Differences["model.head.source"]);
        ComponentCheck.Run(experiment);
        Assert.Throws<ArgumentException>(() => experiment.WithArm("own", config));
    }

    private static Type UsedType(string file, string name)
    {
        UsedComponents.Use(file);
        return ComponentCatalog.Of(typeof(TokenHeadConfig)).First(t => t.Name == name + "Head");
    }
}

/// <summary>A head of a program: the paper's under another name.</summary>
public sealed record HereHead : TokenHeadConfig
{
    public override TokenHead Build(TokenHeadContext context) => new FlowMatchingHead(context);
}
