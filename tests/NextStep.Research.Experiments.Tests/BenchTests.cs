using System.Text.Json;
using NextStep.Research.Cli;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments.Tests;

/// <summary>The yardstick computes the same, and the tables say what was measured. No test asserts a time.</summary>
public sealed class BenchTests : IDisposable
{
    private readonly IDisposable _guard = no_grad();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _guard.Dispose();
    }

    [Fact]
    public void Op_by_op_draws_the_same_tokens_as_the_fast_forms()
    {
        ByteTokenizer tokenizer = new();
        NextStepConfig config = ModelSizes.Resolve(
            new ModelConfig
            {
                Size = ModelSize.Nano,
                Transformer = new TransformerOptions { Width = 64, Heads = 4, KeyValueHeads = 2, Intermediate = 96 },
                Head = new FlowHead { Width = 48, Layers = 2 },
            },
            new AutoencoderConfig { LatentChannels = 4 }, tokenizer);
        using NextStepModel model = new(config);
        model.eval();
        int[] prompt = new SequenceLayout(tokenizer).Prompt("red", 2, 3), other = new SequenceLayout(tokenizer).Prompt("bad", 2, 3);
        Tensor ids = tensor([.. prompt.Concat(other).Select(i => (long)i)], [2, prompt.Length]);
        SamplingConfig sampling = new() { Solver = SamplingSolver.Sde, Steps = 5, Guidance = 2.5 };
        using PerImageNoise ours = new(1, "noise", 0), theirs = new(1, "noise", 0);
        Tensor fast = TokenSampler.Draw(
            model, new PromptRows(ids, null, null, GuidanceBranches.Text), 6, sampling, null, ours, cancellation: TestContext.Current.CancellationToken);
        Tensor slow = new OpByOpModel(model).Draw(ids, GuidanceBranches.Text, 6, sampling, theirs);
        Assert.InRange((fast - slow).abs().max().item<float>() / slow.abs().max().item<float>(), 0, 1e-4f);
    }

    [Fact]
    public void The_table_says_what_was_sought_and_whether_it_was_met()
    {
        BenchRow[] rows =
        [
            new("a", "a head", 1234.5, "op by op", new BenchValue(BenchKind.Speedup, 7.24), new BenchValue(BenchKind.Speedup, 5)) { Details = new Dictionary<string, double> { ["boundShare"] = 0.5 } },
            new("b", "an optimizer", 12.345, "a step", new BenchValue(BenchKind.ShareAtMost, 0.2), new BenchValue(BenchKind.ShareAtMost, 0.1)),
            new("c", "alone", 1, "op by op", new BenchValue(BenchKind.Speedup, double.NaN), new BenchValue(BenchKind.Speedup, 5)),
        ];
        Assert.Equal(
            """
            | work | time | against | result | sought | |
            |---|---|---|---|---|---|
            | a head | 1.23 s | op by op | **7.2×** | ≥ 5.0× | 50 % of the bytes bound |
            | an optimizer | 12.3 ms | a step | **20 %** | ≤ 10 % |  |
            | alone | 1 ms | op by op | **–** | ≥ 5.0× |  |

            """, BenchTable.Markdown(rows).Replace(' ', ' '));
        using JsonDocument json = JsonDocument.Parse(BenchTable.Json(rows));
        Assert.Equal([true, false], json.RootElement.EnumerateArray().Take(2).Select(r => r.GetProperty("met").GetBoolean()));
        Assert.Equal(JsonValueKind.Null, json.RootElement[2].GetProperty("met").ValueKind);
        Assert.Equal(0.5, json.RootElement[0].GetProperty("details").GetProperty("boundShare").GetDouble());
    }

    [Fact]
    public void Works_are_timed_in_turn_and_the_first_round_is_not_counted()
    {
        List<string> order = [];
        Timings times = Timings.Of(2, ("a", () => order.Add("a")), ("b", () => order.Add("b")));
        Assert.Equal(["a", "b", "a", "b", "a", "b"], order);
        Assert.True(times["a"] >= 0 && times["b"] >= 0);
    }
}
