namespace NextStep.Research.Experiments.Tests.Workers;

public sealed class ResumeProofTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_killed_run_is_compared_file_by_file_and_the_verdict_is_kept()
    {
        (ResumeProof proof, List<string> told) = Prove(StubWorker.Command, StubStages.All);
        Assert.True(proof.Identical, string.Join(", ", proof.Differences.Concat(told)));
        Assert.Equal("baseline, seed 4", proof.Cell);
        Assert.InRange(proof.Kills, 1, 6);
        Assert.InRange(proof.Resumed, 1, proof.Kills - proof.PowerCuts);
        Assert.True(proof.FilesCompared > 8);
        Assert.Equal(proof.FilesCompared, ResumeProof.Read(new RunFolder(_folder.Path))!.FilesCompared);
        Assert.False(Directory.Exists(_folder.File("resume-proof")));
    }

    [Fact]
    public void A_run_that_depends_on_when_it_was_killed_is_found_out()
    {
        (ResumeProof proof, _) = Prove(StubWorker.Command with { Verb = ["worker", "--child-forgets"] }, StubStages.All);
        Assert.False(proof.Identical);
        Assert.Contains(proof.Differences, d => d.EndsWith("chain.txt", StringComparison.Ordinal));
        Assert.True(Directory.Exists(_folder.File("resume-proof")));
    }

    [Fact]
    public void A_run_in_which_no_kill_left_a_checkpoint_proves_nothing()
    {
        (ResumeProof proof, _) = Prove(StubWorker.Command with { Verb = ["worker", "--child-saves-nothing"] }, StubStages.All, steps: 1);
        Assert.Equal((0, false), (proof.Resumed, proof.Identical));
    }

    [Fact]
    public void Two_runs_are_compared_without_their_times_but_with_all_else()
    {
        string one = Path.GetDirectoryName(Path.GetDirectoryName(_folder.Write("one/cells/metrics.jsonl", "{\"images\":1,\"seconds\":0.5}\n")))!;
        string two = Path.GetDirectoryName(Path.GetDirectoryName(_folder.Write("two/cells/metrics.jsonl", "{\"images\":1,\"seconds\":0.7}\n")))!;
        Assert.Empty(RunComparison.Compare(one, two).Differences);
        _folder.Write("two/cells/metrics.jsonl", "{\"images\":2,\"seconds\":0.5}\n");
        _folder.Write("two/stages/x/model.safetensors", "w");
        Assert.Equal(["cells/metrics.jsonl", "stages/x/model.safetensors"], RunComparison.Compare(one, two).Differences);
    }

    private (ResumeProof Proof, List<string> Told) Prove(WorkerCommand command, IReadOnlyList<StageDefinition> stages, int steps = 12)
    {
        Experiment experiment = ExperimentFile.Load(_folder.Write("e.yaml", $$"""
            training:
              autoencoder: { images: {{steps}}, batchSize: 60 }
              model: { images: {{steps}}, batchSize: 60 }
            seeds: [4, 5]
            """));
        List<string> told = [];
        return (ResumeProof.Make(new RunFolder(_folder.Path), experiment, stages, command, 3, told.Add, TestContext.Current.CancellationToken), told);
    }
}
