using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace NextStep.Research.Experiments.Tests;

/// <summary>Layers, tokenizers and metrics of a user: what is said before training, and that saved models know which code made them.</summary>
[Collection("catalog")]
public sealed class ModelChecksTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("CheckParallel", "mask", null)]
    [InlineData("CheckPeeking", "mask ?? zeros(1, 1, x.size(1), (cache?.Length ?? 0) + x.size(1))", "lets a position see one after it")]
    public void A_layer_is_tried(string name, string attend, string? problem) =>
        Check(name, Written.Layer.Replace("ATTEND", attend, StringComparison.Ordinal), "model.transformer.layer: NAME", problem);

    [Theory]
    [InlineData("CheckLetters", Written.Cut, null)]
    [InlineData("CheckUncut", "text.Select(Id)", "a structural token that is written out")]
    public void A_tokenizer_is_tried(string name, string cut, string? problem) =>
        Check(name, Written.Tokenizer.Replace("CUT", cut, StringComparison.Ordinal), "model.tokenizer: NAME", problem);

    [Theory]
    [InlineData("CheckBright", "new(context.Pictures.mean().item<float>()) { Map = context.Pictures.mean([1]) }", null)]
    [InlineData("CheckThrowing", "new(context.Reference!.size(9))", "fails when it is tried")]
    [InlineData("CheckDice", "new(Random.Shared.NextDouble())", "another number when it is asked again")]
    public void A_metric_is_tried(string name, string measure, string? problem) => Check(
        name, $"public sealed record {name}Metric : Metric {{ public override MetricResult Measure(MetricContext context) => {measure}; }}", "measure: [NAME]", problem);

    [Fact]
    public void A_model_of_ones_own_head_layer_and_tokenizer_is_saved_and_loaded_and_refused_with_other_code()
    {
        string head = Write("Saved", "Head", Written.Head), layer = Write("Saved", "Layer", Written.Layer.Replace("ATTEND", "mask", StringComparison.Ordinal));
        string letters = Write("Saved", "Tokenizer", Written.Tokenizer.Replace("CUT", Written.Cut, StringComparison.Ordinal));
        ResearchConfig config = ExperimentFile.Load(_folder.Write(
            "x.yaml", $"uses: [{head}, {layer}, {letters}]\nmodel: {{ size: nano, head: saved, tokenizer: saved, transformer.layer: saved }}\nautoencoder: {{ width: 8, multipliers: [1, 2], latentChannels: 2 }}\n")).Arms[0].Config;
        TextTokenizer tokenizer = config.Model.Tokenizer.Build(["a red circle"]);
        string folder = Path.Combine(_folder.Path, "model");
        using (NextStepModel model = new(ModelSizes.Resolve(config.Model, config.Autoencoder, tokenizer)))
        using (ImageAutoencoder autoencoder = new(config.Autoencoder))
        {
            Initialization.Apply(model, 0);
            Initialization.Apply(autoencoder, 0);
            ReleasedFolder.Save(folder, model, autoencoder, tokenizer, 16, new SamplingConfig { Steps = 2 });
        }
        using (LoadedModel loaded = ReleasedFolder.Load(folder))
        {
            Assert.Equal("red", loaded.Tokenizer.Decode(loaded.Tokenizer.Encode("red")));
            using TorchSharp.torch.Tensor pictures = loaded.Generator().Draw(new GenerationRequest { Prompts = ["a red circle"], Height = 16, Width = 16 }, null, TestContext.Current.CancellationToken);
            Assert.Equal([1, 3, 16, 16], pictures.shape);
        }
        File.AppendAllText(head, "\n// another line\n");
        UsedComponents.Use(head);
        string refused = Assert.Throws<InvalidDataException>(() => ReleasedFolder.Load(folder)).Message;
        Assert.Contains("token head saved of SavedHead.cs", refused);
        Assert.Contains("--trust", refused);
        MadeWith.AcceptOtherCode = true;
        try
        {
            ReleasedFolder.Load(folder).Dispose();
        }
        finally
        {
            MadeWith.AcceptOtherCode = false;
        }
    }

    [Fact]
    public void An_assembly_is_used_like_a_source()
    {
        string file = Path.Combine(_folder.Path, "compiled.dll");
        CSharpCompilation compilation = CSharpCompilation.Create(
            "compiled",
            [CSharpSyntaxTree.ParseText("using NextStep.Research; public sealed record FromAssemblyMetric : Metric { public override MetricResult Measure(MetricContext context) => new(2); }", cancellationToken: TestContext.Current.CancellationToken)],
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Where(File.Exists).DistinctBy(Path.GetFileName).Select(f => MetadataReference.CreateFromFile(f)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        Assert.True(compilation.Emit(file, cancellationToken: TestContext.Current.CancellationToken).Success);
        Experiment experiment = ExperimentFile.Load(_folder.Write("x.yaml", "uses: compiled.dll\nmeasure: [from-assembly]\n"));
        ComponentCheck.Run(experiment);
        Assert.Equal(ComponentSource.HashOf(File.ReadAllBytes(file)), Plan.Make(experiment, StandardStages.All).Uses.Single().Hash);
        Assert.Contains(experiment.Uses[0].Hash, ConfigPath.Canonical(experiment.Arms[0].Config, "evaluation"));
        Assert.Contains("broken.dll", Assert.Throws<ConfigException>(() => UsedComponents.Use(_folder.Write("broken.dll", "no assembly"))).Message);
    }

    private void Check(string name, string source, string line, string? problem)
    {
        string kebab = string.Concat(name.Select((c, i) => char.IsUpper(c) && i > 0 ? "-" + char.ToLowerInvariant(c) : $"{char.ToLowerInvariant(c)}"));
        string file = Write(name, "", source);
        Experiment experiment = ExperimentFile.Load(_folder.Write("x.yaml", $"uses: {file}\n{line.Replace("NAME", kebab, StringComparison.Ordinal)}\n"));
        if (problem is null)
        {
            ComponentCheck.Run(experiment);
            return;
        }
        Assert.Contains(problem, Assert.Single(Assert.Throws<ConfigException>(() => ComponentCheck.Run(experiment)).Errors).Message);
    }

    private string Write(string name, string seam, string source) => _folder.Write($"{name}{seam}.cs", source.Replace("NAME", name, StringComparison.Ordinal));
}
