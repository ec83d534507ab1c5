using System.Text.Json.Nodes;

namespace NextStep.Research.Experiments.Tests.Identity;

public sealed class RunFolderIdentityTests : IDisposable
{
    private readonly CountedSweep _sweep = new();

    public void Dispose() => _sweep.Dispose();

    [Fact]
    public void A_checkpoint_holds_the_sampling_settings_of_its_cell_and_not_of_the_one_that_trained_it()
    {
        _sweep.Sweep(_sweep.Yaml("axes: { sampling.guidance: [2, 7.5] }"));
        foreach (PlannedCell cell in _sweep.Folder.RequirePlan().Cells)
        {
            double guidance = ConfigYaml.Load(Path.Combine(_sweep.Folder.Cell(cell), "config.yaml")).Sampling.Guidance;
            JsonNode saved = JsonNode.Parse(File.ReadAllText(Path.Combine(_sweep.Folder.Cell(cell), "checkpoint", "config.json")))!;
            Assert.Equal(guidance, saved["nextstep_research"]!["sampling"]!["guidance"]!.GetValue<double>());
            Assert.Equal((32, 32), (saved["hidden_size"]!.GetValue<int>(), saved["nextstep_research"]!["imageSize"]!.GetValue<int>()));
            string shared = Path.Combine(_sweep.Folder.Stage(cell.Stages.Single(s => s.Kind == "model")), "model", "config.json");
            Assert.Null(JsonNode.Parse(File.ReadAllText(shared))!["nextstep_research"]!["sampling"]);
        }
    }

    [Fact]
    public void Results_carry_the_names_of_the_plan_and_the_code_of_every_stage()
    {
        _sweep.Sweep(_sweep.Yaml("arms: { noisy: { model.inputNoise: 0.4 } }"));
        _sweep.Sweep(_sweep.Yaml("arms: { louder: { model.inputNoise: 0.4 } }"), code: "code two");
        Assert.Equal(["baseline", "louder"], _sweep.Results().Select(r => r.Arm));
        Assert.All(_sweep.Results(), r => Assert.All(StandardStages.All.Where(s => s.Kind != "post"), s => Assert.Equal("code one", r.Code[s.Kind])));
        Assert.Matches("^[0-9a-f]{12}$", CodeIdentity.Current);
    }

    [Fact]
    public void A_sweep_that_ends_leaves_a_newer_plan_alone_and_judges_it()
    {
        string older = _sweep.Yaml(""), newer = _sweep.Yaml("seeds: [0, 1]\nclaims: [{ say: it is, test: 'flow.loss[baseline] > 0' }]\n");
        Plan first = Plan.Make(_sweep.Load(older), _sweep.Stages), second = Plan.Make(_sweep.Load(newer), _sweep.Stages);
        first = Sweep.Prepare(_sweep.Folder, first, false);
        Sweep.Prepare(_sweep.Folder, second, false);
        Sweep.NoteOrigin(_sweep.Folder, first, new Dictionary<string, string> { ["command"] = "nextstep sweep older.yaml" });
        Assert.Equal("it is", Assert.Single(Sweep.Judge(_sweep.Folder, first).Claims).Say);
        Plan left = _sweep.Folder.RequirePlan();
        Assert.Equal(2, left.Cells.Count);
        Assert.Equal("not run yet", Assert.Single(left.Claims).Evidence);
        Assert.Contains("it is", File.ReadAllText(Path.Combine(_sweep.Folder.Path, "verdicts.json")), StringComparison.Ordinal);
        Assert.Throws<PlanChangedException>(() => Sweep.Prepare(_sweep.Folder, first, false)); // one seed less
    }

    [Fact]
    public void An_option_that_came_later_is_in_a_key_only_away_from_its_default()
    {
        StageDefinition stage = StandardStages.All.Single(s => s.Kind == "autoencoder");
        string Values(AutoencoderConfig autoencoder) => StageKey.Of(stage, ConfigPath.Texts(new ResearchConfig { Autoencoder = autoencoder }), new Dictionary<string, string>(), new ContentReader()).Values;
        Assert.DoesNotContain("stemPatch", Values(new AutoencoderConfig()), StringComparison.Ordinal);
        Assert.Contains("autoencoder.blocksPerLevel: 1\n", Values(new AutoencoderConfig()), StringComparison.Ordinal); // one that was always there
        Assert.Contains("autoencoder.stemPatch: 2\n", Values(new AutoencoderConfig { StemPatch = 2 }), StringComparison.Ordinal);
        Plan newer = Plan.Make(_sweep.Load(_sweep.Yaml("")), _sweep.Stages);
        Plan older = newer with { Config = newer.Config.Where(c => c.Key != "autoencoder.stemPatch").ToDictionary(), Cells = [.. newer.Cells, newer.Cells[0] with { Key = "lost" }] };
        Assert.DoesNotContain(PlanChange.Losses(older, newer), l => l.Contains("stemPatch", StringComparison.Ordinal));
    }

    [Fact]
    public void A_component_with_results_of_a_later_kind_has_its_number_in_the_key()
    {
        StageDefinition stage = StandardStages.All.Single(s => s.Kind == "autoencoder");
        string Values(OptimizerConfig optimizer) => StageKey.Of(stage, ConfigPath.Texts(new ResearchConfig { Training = new() { Autoencoder = new() { Optimizer = optimizer } } }), new Dictionary<string, string>(), new ContentReader()).Values;
        Assert.Contains("training.autoencoder.optimizer: muon, version 2\n", Values(new MuonOptimizer()), StringComparison.Ordinal);
        Assert.Contains("training.autoencoder.optimizer: adamw\n", Values(new AdamwOptimizer()), StringComparison.Ordinal);
    }

    [Fact]
    public void Arms_that_come_to_the_same_are_refused()
    {
        _sweep.Copy("pictures", "copy");
        ConfigException same = Assert.Throws<ConfigException>(() => _sweep.Sweep(_sweep.Yaml($"arms: {{ other: {{ data.path: {_sweep.File("copy")} }} }}\n")));
        Assert.Contains("'baseline' and 'other' come to the same results", same.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_process_at_a_time_has_a_write_lock()
    {
        string file = _sweep.File("plan.lock");
        using (WriteLock.Take(file, TimeSpan.Zero))
        {
            Assert.Contains("is held by", Assert.Throws<IOException>(() => WriteLock.Take(file, TimeSpan.Zero)).Message, StringComparison.Ordinal);
        }
        WriteLock.Take(file, TimeSpan.Zero).Dispose();
        Assert.False(File.Exists(file));
    }
}
