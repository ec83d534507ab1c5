using System.Text.Json.Nodes;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>However a notebook ends, it is not taken for a pass, and what was done before stays.</summary>
public sealed class EndingTests : IDisposable
{
    private readonly NotebookFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("Environment.Exit(0);", "exit code 0")]
    [InlineData("Environment.FailFast(\"crash on purpose\");", "crash on purpose")]
    [InlineData("new System.Threading.Thread(() => throw new Exception(\"in the background\")).Start();\nSystem.Threading.Thread.Sleep(20000);", "in the background")]
    public void A_process_that_goes_away_is_a_failure_and_finished_cells_keep_their_outputs(string code, string said)
    {
        (NotebookOutcome outcome, JsonArray cells) = _folder.Run(_folder.WriteNotebook("ends.ipynb", "\"first\"", code, "\"third\""));
        Assert.Equal("ends.ipynb: 1 cells passed, 1 failed, 1 not run", outcome.ToString());
        Assert.StartsWith("ends.ipynb, cell 2: the process ended before the cell did", outcome.Problem, StringComparison.Ordinal);
        Assert.Contains(said, outcome.Problem, StringComparison.Ordinal);
        Assert.Equal("first", NotebookFolder.Output(cells[0]));
        Assert.Empty(cells[2]!["outputs"]!.AsArray());
    }

    [Fact]
    public void Tensors_that_variables_still_hold_are_counted_and_those_that_nothing_holds_are_not()
    {
        (NotebookOutcome outcome, _) = _folder.Run(_folder.WriteNotebook("keeps.ipynb",
            "using TorchSharp;", "torch.Tensor kept = torch.ones(3), freed = torch.ones(4);\nvar layers = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2, false));\ntorch.ones(5).ToString()",
            "(string, torch.Tensor)[] pairs = [(\"a\", torch.ones(1)), (\"b\", kept)];\nFunc<torch.Tensor> later = () => freed;\nfreed.Dispose();"));
        Assert.Equal("keeps.ipynb: 3 cells passed, 0 failed, 5 tensors left in kept, layers, pairs", outcome.ToString());
    }

    [Fact]
    public void A_cell_over_its_time_is_a_failure()
    {
        (NotebookOutcome outcome, _) = _folder.Run(
            _folder.WriteNotebook("long.ipynb", "while (true) { }"), NotebookFolder.Options with { CellTimeout = TimeSpan.FromSeconds(4) });
        Assert.Equal("long.ipynb, cell 1: no end within 4 s", outcome.Problem);
    }

    [Fact]
    public void A_process_that_a_cell_left_behind_ends_with_the_notebook_and_does_not_hold_it_up()
    {
        // Its parent has ended, so that it is in no tree any more, and it holds the pipes that it was born with.
        (NotebookOutcome outcome, _) = _folder.Run(
            _folder.WriteNotebook("leaves.ipynb", "System.Diagnostics.Process.Start(\"sh\", [\"-c\", \"(sleep 40; touch outlived) & echo $! > left\"]).WaitForExit();\nwhile (true) { }"),
            NotebookFolder.Options with { CellTimeout = TimeSpan.FromSeconds(10) });
        Assert.Equal("leaves.ipynb, cell 1: no end within 10 s", outcome.Problem);
        Assert.False(File.Exists(_folder.File("outlived")), "the runner waited for it");
        string left = $"/proc/{File.ReadAllText(_folder.File("left")).Trim()}/stat";
        Assert.True(!File.Exists(left) || File.ReadAllText(left).Contains(") Z ", StringComparison.Ordinal), "it lives on");
    }

    [Fact]
    public void A_failing_cell_ends_the_notebook_and_says_where()
    {
        string file = _folder.WriteNotebook("fails.ipynb", "int x = 1;", "x++;\nint y = 1 / (x - 2);", "\"never\"", "@raises-exception\n1");
        (NotebookOutcome outcome, JsonArray cells) = _folder.Run(file);
        Assert.Equal((1, 1, 2), (outcome.Passed, outcome.Failed, outcome.Skipped));
        Assert.StartsWith("fails.ipynb, cell 2, line 2: System.DivideByZeroException", outcome.Problem, StringComparison.Ordinal);
        Assert.Equal("error", cells[1]!["outputs"]![0]!["output_type"]!.GetValue<string>());
        Assert.Null(cells[2]!["execution_count"]);
    }

    [Fact]
    public void A_cell_that_should_raise_and_does_not_is_a_failure()
    {
        (NotebookOutcome outcome, _) = _folder.Run(_folder.WriteNotebook("tame.ipynb", "@raises-exception\n1"));
        Assert.Equal("tame.ipynb, cell 1: error: the cell is tagged raises-exception and raised none", outcome.Problem);
    }

    [Fact]
    public void Interrupting_reaches_the_cell_and_leaves_the_file_alone()
    {
        string file = _folder.WriteNotebook("stopped.ipynb",
            "System.IO.File.WriteAllText(\"begun\", \"\");\nNextStep.Research.Notebooks.Notebook.Cancellation.WaitHandle.WaitOne();\nSystem.IO.File.WriteAllText(\"told\", \"\");",
            "System.IO.File.WriteAllText(\"next\", \"\");");
        string before = File.ReadAllText(file);
        using CancellationTokenSource stop = new();
        using FileSystemWatcher watcher = new(_folder.Path, "begun");
        watcher.Created += (_, _) => stop.Cancel();
        watcher.EnableRaisingEvents = true;
        NotebookOutcome outcome = NotebookRunner.Run(file, file, NotebookFolder.Options, stop.Token);
        Assert.True(outcome.Stopped);
        Assert.Equal("stopped", outcome.Problem);
        Assert.True(File.Exists(_folder.File("told")));
        Assert.False(File.Exists(_folder.File("next")));
        Assert.Equal(before, File.ReadAllText(file));
    }
}
