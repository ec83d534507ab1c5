using TorchSharp;

namespace NextStep.Research.Experiments.Tests;

/// <summary>What is kept of pictures one by one, and the interval of their share.</summary>
public sealed class PictureOutcomeTests
{
    [Fact]
    public void The_alignment_keeps_which_pictures_are_right_and_has_an_interval_of_its_own()
    {
        ShapeScene[] scenes = [.. Enumerable.Range(0, 3).Select(i => SceneGenerator.Draw(ShapeSkill.Single, PairSplit.Seen, Streams.Managed(1, "outcomes", i)))];
        string[] prompts = [.. scenes.Select(s => CaptionGrammar.Write(CaptionGrammar.Describe(s, ShapeSkill.Single)))];
        torch.Tensor pictures = torch.stack([.. scenes.Select(s => SignedDistanceRenderer.Render(s, 32))]);
        pictures.select(0, 1).zero_(); // grey, which shows nothing
        using Measurements all = new();
        AlignmentMeasures.Add(all, pictures, prompts, null, 0);
        all.Run(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal("101", all.Outcomes["alignment"].Right);
        Assert.Equal(PictureOutcomes.Of(prompts, []).Tasks, all.Outcomes["alignment"].Tasks);
        Assert.NotEqual(PictureOutcomes.Of(prompts.Reverse(), []).Tasks, all.Outcomes["alignment"].Tasks);
        Proportion wilson = new(2, 3);
        Assert.Equal((wilson.Low, wilson.High), (all.Numbers["alignment.low"], all.Numbers["alignment.high"]));
    }

    [Fact]
    public void GenEvals_mean_is_over_its_own_tasks_and_forgives_a_further_object()
    {
        ShapeScene Draw(ShapeSkill skill) => SceneGenerator.Draw(skill, PairSplit.Seen, Streams.Managed(1, "geneval", 0));
        ShapeScene two = Draw(ShapeSkill.Two), single = two with { Objects = [two.Objects[0]] };
        string Caption(ShapeScene scene, ShapeSkill skill) => CaptionGrammar.Write(CaptionGrammar.Describe(scene, skill));
        torch.Tensor blank = torch.zeros(3, 32, 32); // grey, which shows nothing
        torch.Tensor pictures = torch.stack([SignedDistanceRenderer.Render(two, 32), SignedDistanceRenderer.Render(two, 32), blank]);
        using Measurements all = new();
        AlignmentMeasures.Add(all, pictures, [Caption(two, ShapeSkill.Two), Caption(single, ShapeSkill.Single), Caption(Draw(ShapeSkill.Place), ShapeSkill.Place)], null, 0);
        all.Run(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal((1, 0, 0), (all.Numbers["alignment.two"], all.Numbers["alignment.single"], all.Numbers["alignment.place"]));
        Assert.Equal((1, 1, 0), (all.Numbers["alignment.geneval.two"], all.Numbers["alignment.geneval.single"], all.Numbers["alignment.geneval.place"]));
        Assert.Equal(1, all.Numbers["alignment.geneval"]); // "in the top left" is no task of GenEval

        using Measurements places = new();
        AlignmentMeasures.Add(places, blank.unsqueeze(0), [Caption(Draw(ShapeSkill.Place), ShapeSkill.Place)], null, 0);
        places.Run(cancellation: TestContext.Current.CancellationToken);
        Assert.False(places.Numbers.ContainsKey("alignment.geneval"));
    }

    [Fact]
    public void The_interval_of_a_mean_over_skills_of_different_sizes_is_about_that_mean()
    {
        // R, MOVER with Wilson's intervals: l <- c(.490162472, 0), u <- c(.943317849, .489890836), p <- c(.8, 0): mean(p) - sqrt(sum((p - l)^2)) / 2, mean(p) + sqrt(sum((u - p)^2)) / 2
        Proportion one = new(8, 10), two = new(0, 4);
        AlignmentReport report = new((one.Value + two.Value) / 2, new(8, 14), [new("single", one, one), new("two", two, two)], new Dictionary<string, int>(), []);
        (double low, double high) = report.OverallInterval();
        Assert.Equal((0.245081, 0.655212), (Math.Round(low, 6), Math.Round(high, 6)));
    }

    [Fact]
    public void Only_the_same_prompts_at_the_same_seed_are_paired()
    {
        CellResult Result(string arm, long seed, string tasks, string right) => new()
        {
            Cell = arm, Arm = arm, Seed = seed, Metrics = new Dictionary<string, double>(), Stages = new Dictionary<string, string>(), Pictures = new Dictionary<string, string>(), Prompts = [], Seconds = new Dictionary<string, double>(),
            Outcomes = new Dictionary<string, PictureOutcomes> { ["alignment"] = new(tasks, right) },
        };
        PictureTest test = PictureTest.Of("alignment", Result("a", 0, "x", "1101"), Result("b", 0, "x", "0001"))!;
        Assert.Equal((4, 2, 0, 0.5), (test.Pictures, test.OnlyArm, test.OnlyOther, test.Difference));
        Assert.Null(PictureTest.Of("alignment", Result("a", 0, "x", "1101"), Result("b", 0, "y", "0001")));
        Assert.Null(PictureTest.Of("alignment", Result("a", 0, "x", "1101"), Result("b", 1, "x", "0001")));
        Assert.Null(PictureTest.Of("edit.success", Result("a", 0, "x", "1101"), Result("b", 0, "x", "0001")));
    }

    [Fact]
    public void Several_pairs_of_models_are_corrected_together()
    {
        MadeRun run = new MadeRun(["baseline", "a", "b"], 2).With((_, _) => new Dictionary<string, double> { ["alignment"] = 0.5 },
            (arm, seed) => arm == "a" ? new string('1', 12) + new string('0', 8) : arm == "b" ? new string('1', 5 + (int)seed) + new string('0', 15 - (int)seed) : new string('0', 20));
        IReadOnlyList<PictureComparison> comparisons = PictureComparison.Of(run.Plan, run.Results);
        Assert.Equal(["a", "b"], comparisons.Select(c => c.Arm));
        IReadOnlyList<double?> adjusted = Holm.Adjust([.. comparisons.SelectMany(c => c.Models).Select(m => (double?)m.PValue)]);
        Assert.Equal(adjusted, comparisons.SelectMany(c => c.Models).Select(m => (double?)m.AdjustedPValue));
        Assert.Equal(0.6, comparisons[0].Training!.Difference, 12);
    }
}
