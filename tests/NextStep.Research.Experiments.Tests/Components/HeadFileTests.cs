namespace NextStep.Research.Experiments.Tests;

/// <summary>The built-in heads in experiment files.</summary>
public sealed class HeadFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("model.head: shortcut\nsampling.steps: 20", "a power of two up to 128, not 20; write 8, say")]
    [InlineData("model.head: { type: shortcut, finestSteps: 100 }", "finestSteps 100 is no power of two; write 128")]
    [InlineData("model.head: shortcut\nsampling: { steps: 8, finalSteps: 3 }", "not 3")]
    [InlineData("model.head: { type: diffusion, trainingSteps: 50 }\nsampling.steps: 100", "100 steps are more than the 50 that the diffusion head is trained on")]
    [InlineData("model.head: mean-flow\nsampling.solver: heun", "sampling.solver stays ode, not heun")]
    [InlineData("model.head: mean-flwo", "did you mean 'mean-flow'")]
    [InlineData("model.head: { type: mixture, component: 8 }", "mixture has no option 'component'; did you mean 'components'")]
    [InlineData("model.head: { type: energy, samples: 1 }", "samples: 1 is out of range")]
    public void What_a_head_cannot_do_is_said_before_it_is_trained(string lines, string problem) =>
        Assert.Contains(problem, Assert.Throws<ConfigException>(() => ExperimentFile.Load(_folder.Write("x.yaml", lines + "\n"))).Message);

    /// <summary>Equal budgets: the widths of <c>heads.yaml</c> differ so that the numbers do not.</summary>
    [Fact]
    public void The_six_of_the_experiment_have_as_many_parameters_within_two_percent()
    {
        Experiment experiment = ExperimentFile.Load(Path.Combine(Sources.Root, "experiments", "heads.yaml"));
        Assert.Equal(["flow", "diffusion", "shortcut", "mean-flow", "energy", "mixture"], experiment.Arms.Select(a => ComponentCatalog.NameOf(a.Config.Model.Head.GetType())));
        long[] counts = [.. experiment.Arms.Select(a =>
        {
            using NextStepModel model = new(ModelSizes.Resolve(a.Config.Model, a.Config.Autoencoder, new ByteTokenizer()), TorchSharp.torch.META);
            return model.Head.parameters().Sum(p => p.numel());
        })];
        Assert.All(counts, c => Assert.InRange(c, counts[0] * 0.98, counts[0] * 1.02));
        Assert.All(experiment.Arms, a => Assert.Equal(experiment.Arms[0].Config.Training, a.Config.Training));
    }
}
