using CsCheck;

namespace NextStep.Research.Experiments.Tests;

public sealed class ExperimentFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Experiment Load(string yaml, params string[] set) => ExperimentFile.Load(_folder.Write("e.yaml", yaml), set);

    private IReadOnlyList<ConfigError> Errors(string yaml, params string[] set) => Assert.Throws<ConfigException>(() => Load(yaml, set)).Errors;

    [Fact]
    public void The_example_of_the_design_reads_as_meant()
    {
        _folder.Write("base/shapes.yaml", "data.imageSize: 16\nautoencoder: { width: 8, noiseStrength: 0.1 }\n");
        Experiment e = Load("""
            name: noise-strength
            question: Does noise help?
            extends: base/shapes.yaml
            baseline: { autoencoder.noiseStrength: 0.5 }
            axes:
              autoencoder.noiseStrength: [0, 0.25, 0.5, 1.0]
            seeds: [0, 1, 2]
            measure: [autoencoder.psnr, artifacts.*]
            claims:
              - say: loss rises
                test: trend(flow.loss) > 0
              - say: better up to a half
                test: frechet[0.5] < frechet[0]
            """);
        Assert.Equal(["baseline", "noiseStrength=0", "noiseStrength=0.25", "noiseStrength=1"], e.Arms.Select(a => a.Name));
        Assert.Equal([0.5, 0, 0.25, 1], e.Arms.Select(a => a.Config.Autoencoder.NoiseStrength));
        Assert.All(e.Arms, a => Assert.Equal((16, 8), (a.Config.Data.ImageSize, a.Config.Autoencoder.Width)));
        Assert.Equal([0, 1, 2], e.Seeds);
        Assert.Equal(2, e.Claims.Count);
    }

    [Fact]
    public void Grid_zip_and_arms_combine()
    {
        Experiment e = Load("""
            axes:
              autoencoder.width: [32, 8]
            zip:
              training.autoencoder.images: [20000, 5]
              training.model.images: [60000, 6]
            arms:
              flat: { autoencoder.normalization: none }
            """);
        Assert.Equal(
            ["baseline", "autoencoder.images=5,model.images=6", "width=8", "width=8,autoencoder.images=5,model.images=6", "flat"],
            e.Arms.Select(a => a.Name));
        Assert.Equal("e", e.Name);
    }

    [Fact]
    public void A_baseline_outside_of_the_grid_is_an_arm_of_its_own()
    {
        Experiment e = Load("axes: { autoencoder.width: [8, 16] }");
        Assert.Equal(["baseline", "width=8", "width=16"], e.Arms.Select(a => a.Name));
        Assert.Empty(e.Arms[0].Coordinates);
    }

    [Fact]
    public void Every_error_of_a_file_is_told_at_once_with_its_line()
    {
        IReadOnlyList<ConfigError> errors = Errors("""
            name: a/b
            nmae: x
            axes:
              autoencoder.noiseStrength: []
              autoencoder.wdth: [1]
              data.imageSize: [16, big, 3, 16]
            arms:
              one: { model.size: huge }
            seeds: [0, -1, 0]
            claims:
              - say: it is
                test: frechet[0 < 1
            """);
        Assert.Equal([1, 2, 4, 5, 6, 6, 6, 8, 9, 9, 11], errors.Select(e => e.Line).Order());
        Assert.Contains(errors, e => e.Path == "nmae" && e.Message.Contains("did you mean 'name'", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.Path == "axes.autoencoder.noiseStrength" && e.Message.Contains("empty", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.Path == "axes.autoencoder.wdth" && e.Message.Contains("autoencoder.width", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.Message.Contains("closing ']'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("arms: { baseline: { data.imageSize: 16 } }", "is no name for an arm")]
    [InlineData("arms: { a: { autoencoder.width: 8 }, b: { autoencoder.width: 8 } }", "same configuration as the arm 'a'")]
    [InlineData("arms: { a: { autoencoder.width: 32 } }", "same configuration as the arm 'baseline'")]
    [InlineData("arms: { a: {} }", "expected what differs")]
    [InlineData("axes: { seed: [1] }", "belong under seeds")]
    [InlineData("axes: { model: [1] }", "is a group of keys")]
    [InlineData("zip: { autoencoder.width: [8, 16], data.imageSize: [16] }", "equal lengths")]
    [InlineData("seeds: []", "the list is empty")]
    [InlineData("extends: none.yaml", "there is no file")]
    [InlineData("extends: e.yaml", "extends this file")]
    [InlineData("claims: [{ say: x, test: 'flow.loss[nobody] < 1' }]", "names the arm 'nobody'")]
    [InlineData("claims: [{ say: x, test: 'trend(flow.loss) < 1' }]", "exactly one axis")]
    [InlineData("claims: [{ say: x }]", "exactly two keys")]
    public void Mistakes_are_told(string yaml, string message) =>
        Assert.Contains(message, Assert.Single(Errors(yaml)).ToString(), StringComparison.Ordinal);

    [Fact]
    public void Set_overrides_every_arm_but_not_an_axis()
    {
        const string yaml = "axes: { autoencoder.width: [8, 16] }";
        Assert.All(Load(yaml, "data.imageSize=64").Arms, a => Assert.Equal(64, a.Config.Data.ImageSize));
        Assert.Contains("is an axis", Assert.Single(Errors(yaml, "autoencoder.width=4")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Set_reaches_the_parts_of_the_file_by_the_same_paths()
    {
        const string yaml = "axes: { autoencoder.width: [8, 16] }\nseeds: [0]";
        Experiment e = Load(yaml, "axes.autoencoder.width=[4, 32]", "seeds={ from: 1, to: 3 }", "baseline.data.imageSize=16", "axes.model.size=[nano]");
        Assert.Equal(["baseline", "width=4,size=nano", "size=nano"], e.Arms.Select(a => a.Name));
        Assert.Equal([1, 2, 3], e.Seeds);
        Assert.All(e.Arms, a => Assert.Equal(16, a.Config.Data.ImageSize));
        IReadOnlyList<ConfigError> errors = Errors(yaml, "axes.autoencoder.widht=[4]", "axes.data.imageSize=[3, 16]", "seeds=[x]", "baseline.seeed=3");
        Assert.All(errors, x => Assert.Equal(("--set", 0), (x.File, x.Line)));
        Assert.Equal(["axes.autoencoder.widht", "axes.data.imageSize", "seed", "seeds"], errors.Select(x => x.Path.Replace("seeed", "seed", StringComparison.Ordinal)).Order());
    }

    [Theory]
    [InlineData("autoencoder.width: { from: 8, to: 128, count: 5, scale: log }", "8 16 32 64 128")]
    [InlineData("autoencoder.width: { from: 8, to: 128, step: 4, scale: log }", "8 32 128")]
    [InlineData("autoencoder.width: { from: 8, to: 24, step: 8 }", "8 16 24")]
    [InlineData("autoencoder.width: { from: 9, to: 7 }", "9 8 7")]
    [InlineData("autoencoder.noiseStrength: { from: 0, to: 1, count: 5 }", "0 0.25 0.5 0.75 1")]
    [InlineData("autoencoder.noiseStrength: { from: 0.1, to: 0.5, step: 0.2 }", "0.1 0.3 0.5")]
    [InlineData("training.model.learningRate: { from: 1e-4, to: 1e-2, count: 3, scale: log }", "0.0001 0.001 0.01")]
    public void Ranges_are_lists_of_values(string axis, string values)
    {
        Experiment e = Load($"axes: {{ {axis} }}");
        string path = Assert.Single(e.Axes);
        Assert.Equal(values.Split(' ').Select(v => double.Parse(v, System.Globalization.CultureInfo.InvariantCulture)).Order(),
            e.Arms.Where(a => a.Coordinates.Count > 0).Select(a => Convert.ToDouble(ConfigPath.Get(a.Config, path), System.Globalization.CultureInfo.InvariantCulture)).Order());
    }

    [Theory]
    [InlineData("{ from: 0, to: 1 }", "either count or step")]
    [InlineData("{ form: 0, to: 1, count: 3 }", "did you mean 'from'?")]
    [InlineData("{ from: 0, to: 1, count: 3, scale: log }", "positive ends")]
    [InlineData("{ from: 1, to: 100, count: 3, scale: [log] }", "scale: expected linear or log, found a list")]
    [InlineData("{ from: [1], to: 100, count: 3 }", "from: expected a number, found a list")]
    [InlineData("{ from: 0, to: 1, count: 1 }", "from 2 to 10000")]
    [InlineData("{ from: 0, to: 1, step: -0.1 }", "does not lead from 0 to 1")]
    [InlineData("{ from: 1, to: 1e9, step: 1 }", "more than 10000 values")]
    [InlineData("{ from: a, to: 1, count: 2 }", "expected a number, found 'a'")]
    [InlineData("{ from: 0, to: 3000, count: 4 }", "out of range")]
    [InlineData("3", "expected a list of values or a range")]
    public void Wrong_ranges_are_told(string range, string message)
    {
        ConfigError error = Errors($"name: e\naxes:\n  autoencoder.noiseStrength: {range}")[0];
        Assert.Equal(3, error.Line);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_conditional_axis_varies_only_where_it_means_something()
    {
        Experiment e = Load("""
            baseline: { sampling.solver: sde }
            axes:
              sampling.noiseLevel: { values: [0.25, 0.5], when: { sampling.solver: cps } }
              sampling.solver: [sde, ode, cps]
            arms:
              tall: { when: { autoencoder.width: ">= 1" }, data.imageSize: 64 }
              short: { when: { autoencoder.width: "< 1" }, data.imageSize: 16 }
            """);
        Assert.Equal(["baseline", "solver=ode", "noiseLevel=0.25,solver=cps", "noiseLevel=0.5,solver=cps", "tall"], e.Arms.Select(a => a.Name).Order(Comparer<string>.Create((a, b) => Order(a) - Order(b))));
        Assert.False(e.Arms.Single(a => a.Name == "solver=ode").Coordinates.ContainsKey("sampling.noiseLevel"));
        Assert.Equal("0.5", e.Arms.Single(a => a.Name == "noiseLevel=0.5,solver=cps").Coordinates["sampling.noiseLevel"]);
        static int Order(string name) => name switch { "baseline" => 0, "solver=ode" => 1, "tall" => 9, _ => name.Contains("0.25", StringComparison.Ordinal) ? 2 : 3 };
    }

    [Theory]
    [InlineData("arms: { a: { when: { model.sise: nano }, data.imageSize: 16 } }", "did you mean 'model.size'?")]
    [InlineData("arms: { a: { when: { model.size: nan }, data.imageSize: 16 } }", "did you mean 'nano'?")]
    [InlineData("arms: { a: { when: { model.size: nano } } }", "nothing that differs")]
    [InlineData("arms: { a: { when: { model.size: 14b }, data.imageSize: 16 } }\nclaims: [{ say: x, test: 'flow.loss[a] < 1' }]", "is there only when model.size is 14b")]
    [InlineData("axes: { data.imageSize: { values: [16], when: { data.imageSize: 16 } } }", "cannot depend on itself")]
    [InlineData("axes: { data.imageSize: [16] }\nzip: { data.imageSize: [64] }", "is an axis already")]
    [InlineData("claims: [{ sai: x, test: 'loss[baseline] < 1' }]", "did you mean 'say'?")]
    [InlineData("extends: f.yaml", "did you mean 'e.yaml'?")]
    public void Mistakes_in_conditions_and_names_are_told(string yaml, string message) =>
        Assert.Contains(message, Assert.Single(Errors(yaml)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("model.transformer:\n  heads: 3", 2, "model.transformer.heads", "3 heads do not divide the width 128")]
    [InlineData("model:\n  size: tiny\naxes:\n  model.transformer.keyValueHeads: [2, 4]", 4, "model.transformer.keyValueHeads", "4 key-value heads do not divide 6 heads")]
    [InlineData("model:\n  tokensAStep: 3", 2, "model.tokensAStep", "a row of 4 image tokens cannot be drawn 3 at a time; use a divisor of 4")]
    [InlineData("model: { order: subsampled }\narms:\n  odd:\n    data.imageSize: 24", 1, "model.order", "an even number of image tokens on both sides, not 3×3")]
    [InlineData("model: { tokensAStep: 2 }\ntraining: { post: { method: reject } }", 2, "training.post.method", "one token a step in raster order")]
    [InlineData("arms:\n  odd:\n    data.imageSize: 30", 3, "data.imageSize", "30 pixels are no multiple of the 8 of an image token; the nearest are 24 and 32")]
    [InlineData("evaluation:\n  latentNoise: [0.1, -1]", 2, "evaluation.latentNoise", "item 2: -1 is out of range: 0 to 1000")]
    [InlineData("axes:\n  autoencoder.multipliers: [[1, 2], [1, 99999]]", 2, "axes.autoencoder.multipliers", "item 2: 99999 is out of range: 1 to 64")]
    [InlineData("autoencoder:\n  multipliers: []", 2, "autoencoder.multipliers", "expected 1 to 8 numbers, found 0")]
    [InlineData("evaluation:\n  networkMean: []", 2, "evaluation.networkMean", "expected a list of at least 1, found 0")]
    [InlineData("evaluation:\n  networkRange: [1]", 2, "evaluation.networkRange", "expected 2 numbers, found 1")]
    [InlineData("evaluation:\n  skills: [countng]", 2, "evaluation.skills", "did you mean 'counting'?")]
    [InlineData("data:\n  source: emoji\n  groups: [smileys]", 3, "data.groups", "'smileys' is no group of emoji")]
    [InlineData("device: gpu", 1, "device", "'gpu' is not a device; did you mean 'cuda:0'?")]
    [InlineData("data:\n  source: folder\n  path: nowhere-at-all", 3, "data.path", "does not exist")]
    [InlineData("data: { source: folder }", 1, "data.source", "data.path is empty")]
    [InlineData("evaluation:\n  network: nowhere.onnx", 2, "evaluation.network", "does not exist")]
    [InlineData("evaluation:\n  network: resnet18", 2, "evaluation.network", "-p:FeatureNetworks=resnet18")]
    [InlineData("data: { source: emoji }\nmeasure: [flow.loss,\n  alignment]", 3, "measure", "'alignment' is measured in the shapes world only")]
    [InlineData("measure: [flw.loss]", 1, "measure", "did you mean 'flow.loss'?")]
    [InlineData("measure: ['flow.lss*']", 1, "measure", "nothing measures 'flow.lss*'")]
    [InlineData("claims: [{ say: x, test: 'aligment[baseline] < 1' }]", 1, "claims", "did you mean 'alignment'?")]
    [InlineData("data: { source: emoji, edits: 5 }", 1, "data.edits", "only the shapes world has edits")]
    public void What_can_be_known_before_the_night_is_told_with_its_line(string yaml, int line, string path, string message)
    {
        ConfigError error = Assert.Single(Errors(yaml));
        Assert.Equal((line, path), (error.Line, error.Path));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_child_file_beats_its_parents_baseline()
    {
        _folder.Write("parent.yaml", "baseline: { model.inputNoise: 0.3, model.size: nano }");
        Experiment e = Load("extends: parent.yaml\nmodel: { inputNoise: 0.1 }");
        Assert.Equal((0.1, ModelSize.Nano), (e.Arms[0].Config.Model.InputNoise, e.Arms[0].Config.Model.Size));
        Assert.Equal(0.2, Load("model: { inputNoise: 0.1 }\nbaseline: { model.inputNoise: 0.2 }").Arms[0].Config.Model.InputNoise);
    }

    [Theory]
    [InlineData("config: { model.inputNoise: 0.1 }\nbaseline: { model.inputNoise: 0.2 }")]
    [InlineData("baseline: { model.inputNoise: 0.2 }\nconfig: { model.inputNoise: 0.1 }")]
    [InlineData("baseline: { model.inputNoise: 0.2 }\nmodel: { inputNoise: 0.1 }")]
    public void Within_a_file_the_baseline_is_last_wherever_it_stands(string yaml)
    {
        Assert.Equal(0.2, Load(yaml).Arms[0].Config.Model.InputNoise);
        _folder.Write("parent.yaml", yaml);
        foreach (string child in (string[])["config: { model.inputNoise: 0.3 }", "baseline: { model.inputNoise: 0.3 }", "model: { inputNoise: 0.3 }"])
        {
            Assert.Equal(0.3, Load($"{child}\nextends: parent.yaml").Arms[0].Config.Model.InputNoise);
        }
    }

    [Fact]
    public void Arms_that_a_condition_leaves_out_are_kept_with_it()
    {
        Experiment e = Load("model.size: tiny\narms: { a: { when: { model.size: nano }, model.inputNoise: 0.4 } }");
        Assert.Equal("when model.size is nano", Assert.Single(e.LeftOut).Value);
    }

    [Fact]
    public void A_wrong_name_does_not_hide_a_wrong_claim() =>
        Assert.Equal([1, 3], Errors("name: a/b\naxes: { autoencoder.width: [8, 16] }\nclaims: [{ say: x, test: 'flow.loss[9] < 1' }]").Select(e => e.Line).Order());

    [Fact]
    public void A_range_has_its_ends_its_count_and_one_direction() =>
        Gen.Select(Gen.Int[1, 400], Gen.Int[1, 400], Gen.Int[2, 9], Gen.Bool).Where((from, to, _, _) => from != to).Sample((from, to, count, log) =>
        {
            Experiment e = Load($"axes: {{ autoencoder.noiseStrength: {{ from: {from / 100.0}, to: {to / 100.0}, count: {count}, scale: {(log ? "log" : "linear")} }} }}");
            double[] values = [.. e.Arms.Where(a => a.Coordinates.Count > 0).Select(a => a.Config.Autoencoder.NoiseStrength).Order()];
            Assert.Equal(count, values.Length);
            Assert.Equal((Math.Min(from, to) / 100.0, Math.Max(from, to) / 100.0), (values[0], values[^1]));
            double[] steps = [.. values.Zip(values.Skip(1), (a, b) => log ? b / a : b - a)];
            Assert.All(steps, s => Assert.Equal(steps[0], s, 1e-6));
        }, iter: 40, threads: 1);

    [Fact]
    public void Any_text_as_an_axis_is_read_or_refused_with_a_sentence() => Gen.String[Gen.Char["{}[]:,-0123456789. \nfromtcuslgwhen<>="], 0, 60].Sample(text =>
    {
        try
        {
            Load($"axes:\n  autoencoder.noiseStrength: {text}\n");
        }
        catch (ConfigException e)
        {
            Assert.All(e.Errors, error => Assert.False(string.IsNullOrEmpty(error.Message)));
        }
    }, iter: 300, threads: 1);

    [Fact]
    public void A_grid_has_one_arm_for_every_combination_of_values() =>
        Gen.Select(Gen.Int[4, 64].HashSet[1, 4], Gen.Int[0, 8].Select(i => i / 8.0).HashSet[1, 4], Gen.Int[0, 3].Array[1, 3]).Sample((widths, noises, zipped) =>
        {
            string[] images = [.. zipped.Select((_, i) => $"{1000 + i}")];
            Experiment e = Load($"axes: {{ autoencoder.width: [{string.Join(", ", widths)}], autoencoder.noiseStrength: [{string.Join(", ", noises)}] }}\n"
                + $"zip: {{ training.model.images: [{string.Join(", ", images)}], training.autoencoder.images: [{string.Join(", ", images.Reverse())}] }}");
            Arm[] grid = [.. e.Arms.Where(a => a.Coordinates.Count > 0)];
            Assert.Equal(widths.Count * noises.Count * images.Length, grid.Length);
            Assert.Equal(e.Arms.Count, e.Arms.Select(a => a.Name).Distinct().Count());
            Assert.Equal(e.Arms.Count, e.Arms.Select(a => ConfigYaml.Write(a.Config)).Distinct().Count());
            Assert.All(grid, a => Assert.Equal(4, a.Coordinates.Count));
            Assert.All(grid, a => Assert.All(a.Coordinates, c => Assert.Equal(c.Value, ConfigValue.Format(ConfigPath.Get(a.Config, c.Key)))));
        }, iter: 30, threads: 1);

    [Fact]
    public void Circles_of_extends_are_found()
    {
        _folder.Write("b.yaml", "extends: e.yaml");
        Assert.Contains("extends this file", Assert.Single(Errors("extends: b.yaml")).Message, StringComparison.Ordinal);
    }
}
