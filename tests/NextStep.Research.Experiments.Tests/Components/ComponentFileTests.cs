namespace NextStep.Research.Experiments.Tests;

/// <summary>Components in experiment files: names, options, sources, and what is said when they are wrong.</summary>
[Collection("catalog")]
public sealed class ComponentFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Components => Path.Combine(Sources.Root, "experiments", "components");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Names_options_axes_and_conditions_of_a_used_head()
    {
        Experiment experiment = Load($$"""
            uses: [{{Components}}/gaussian-head.cs]
            baseline: { model.head: flow, model.head.size: small }
            axes:
              model.head: [flow, gaussian, { type: gaussian, temperature: 0.5 }]
              sampling.steps: { values: [5, 10], when: { model.head: flow } }
            arms:
              wide: { model.head: { type: gaussian, width: 64 } }
              cold: { model.head: gaussian, model.head.temperature: 0 }
            """);
        Plan plan = Plan.Make(experiment, StandardStages.All);
        Assert.Equal(
            ["baseline", "head=flow,steps=5", "head=flow,steps=10", "head=gaussian", "head={type: gaussian, temperature: 0.5}", "wide", "cold"], experiment.Arms.Select(a => a.Name));
        Assert.Equal(HeadSize.Small, experiment.Arms[0].Config.Model.Head.Size);
        Assert.Equal(HeadSize.Base, experiment.Arms[3].Config.Model.Head.Size); // a name is a component with its defaults
        Assert.Equal("0", experiment.Arms[6].Differences["model.head.temperature"]);
        Assert.Equal(plan.Uses[0].Hash, experiment.Arms[6].Differences["model.head.source"]);
        Assert.Equal("gaussian", experiment.Arms[5].Differences["model.head"]);
        foreach (Arm arm in experiment.Arms)
        {
            string text = ConfigYaml.Write(arm.Config);
            Assert.Equal(text, ConfigYaml.Write(ConfigYaml.Parse(text, "again.yaml")));
            Assert.Equal(ConfigPath.Canonical(arm.Config, "model"), ConfigPath.Canonical(ConfigYaml.Parse(text, "again.yaml"), "model"));
        }
        Assert.Equal(Plan.NoOption, plan.Arms[0].Settings["model.head.temperature"]);
        Assert.Single(plan.Uses);
    }

    [Fact]
    public void A_measure_that_names_a_metric_adds_it()
    {
        Experiment experiment = Load($$"""
            uses: [{{Components}}/edge-sharpness-metric.cs]
            measure: [alignment, edge-sharpness]
            claims:
              - { say: sharper, test: "edge-sharpness[baseline] > 0" }
            """);
        Assert.Equal("[edge-sharpness]", ConfigPath.Texts(experiment.Arms[0].Config)["evaluation.metrics"]);
        Assert.Contains("evaluation.metrics.source", ConfigPath.Canonical(experiment.Arms[0].Config, "evaluation"));
    }

    [Theory]
    [InlineData("model.head: flwo", "model.head: expected one of flow", "did you mean 'flow'")]
    [InlineData("model.head: { type: flow, candidates: 3 }", "flow has no option 'candidates'", "")]
    [InlineData("model.head: { type: flow, layers: 0 }", "layers: 0 is out of range", "")]
    [InlineData("model.head.candidates: 3", "unknown key", "")]
    public void Mistakes_are_named_with_file_and_line(string line, string message, string hint)
    {
        ConfigError error = Assert.Single(Assert.Throws<ConfigException>(() => Load($"name: wrong\nbaseline:\n  {line}\n")).Errors);
        Assert.Equal(3, error.Line);
        Assert.Contains(message, error.ToString());
        Assert.Contains(hint, error.Message);
    }

    [Fact]
    public void Source_that_does_not_compile_is_named_with_its_line()
    {
        string file = Write("broken-metric.cs", "public sealed record BrokenMetric : Metric\n{\n    public override MetricResult Measure(MetricContext context) => new(nothing);\n}\n");
        ConfigError error = Assert.Single(Assert.Throws<ConfigException>(() => Load($"uses: {file}\n")).Errors);
        Assert.Equal((file, 3), (error.File, error.Line));
        Assert.Contains("'nothing'", error.Message);
    }

    [Fact]
    public void A_name_that_exists_twice_names_both()
    {
        string one = Write("one.cs", Counting("1", "Twice")), two = Write("two.cs", Counting("2", "Twice"));
        UsedComponents.Use(one);
        ConfigException twice = Assert.Throws<ConfigException>(() => UsedComponents.Use(two));
        Assert.Contains("one.cs", twice.Message);
        Assert.Contains("two.cs", twice.Message);
        File.WriteAllText(one, Counting("3", "Twice")); // the same file edited is no second one
        UsedComponents.Use(one);
        string builtIn = Write("flow.cs", "public sealed record FlowHead : TokenHeadConfig { public override TokenHead Build(TokenHeadContext context) => new FlowMatchingHead(context); }");
        Assert.Contains("of this library", Assert.Throws<ConfigException>(() => UsedComponents.Use(builtIn)).Message);
    }

    [Fact]
    public void An_edited_component_changes_the_keys_of_what_depends_on_it_alone()
    {
        string file = Write("count.cs", Counting("1"));
        PlannedCell Cell()
        {
            Experiment experiment = Load($"uses: [{file}]\nmeasure: [test-count]\n");
            return Plan.Make(experiment, StandardStages.All).Cells[0];
        }

        PlannedCell before = Cell();
        File.WriteAllText(file, Counting("2"));
        PlannedCell after = Cell();
        Assert.Equal(["metrics"], after.Stages.Where(s => before.Stages.All(b => b.Key != s.Key)).Select(s => s.Kind));
    }

    [Fact]
    public void A_run_folder_does_not_run_its_components_without_a_word()
    {
        string file = Write("unasked.cs", Counting("1", "Unasked"));
        string text = "public sealed record Never : TokenHeadConfig { public override TokenHead Build(TokenHeadContext context) => throw new NotSupportedException(); }";
        RunFolder run = new(Path.Combine(_folder.Path, "run"));
        string copy = Path.Combine(run.Path, "uses", "never-0000.cs");
        Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
        File.WriteAllText(copy, text);
        Plan plan = Plan.Make(Load($"uses: [{file}]\nmeasure: [unasked]\n"), StandardStages.All) with { Uses = [new PlannedUse("uses/never-0000.cs", "0000", "elsewhere/never.cs")] };
        run.WritePlan(plan);
        string refused = Assert.Throws<InvalidOperationException>(() => RunComponents.Open(run, plan)).Message;
        Assert.Contains(copy, refused);
        Assert.Contains("--trust", refused);
        Assert.Null(ComponentCatalog.Find(typeof(TokenHeadConfig), "never"));
    }

    private static string Counting(string number, string name = "TestCount") =>
        $"public sealed record {name}Metric : Metric {{ public override MetricResult Measure(MetricContext context) => new({number}); }}";

    private string Write(string name, string text)
    {
        string file = Path.Combine(_folder.Path, name);
        File.WriteAllText(file, text);
        return file;
    }

    private Experiment Load(string text) => ExperimentFile.Load(Write("experiment.yaml", text));
}
