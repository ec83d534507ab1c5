using TorchSharp;

namespace NextStep.Research.Tests.Generation;

/// <summary>What runs for each token reads nothing back from a device, where each look would let a GPU fall idle; read from the code itself.</summary>
public sealed class HostReadTests
{
    // TorchSharp's ways from a tensor to a number or an array of the host, and what asks a device for the size of its result.
    private static readonly string[] Reads =
    [
        "item", "data", "cpu", "nonzero", "bincount", "ToSingle", "ToDouble", "ToInt32", "ToInt64", "ToBoolean", "ToScalar", "get_bytes", "masked_select", "unique",
        "op_Explicit", "op_True", "op_False", "equal", "allclose", "numpy", "str", "jlstr", "cstr", "WriteBytesToStream",
    ];

    // Only on the processor, where a tensor's memory is the host's: chosen by RowLinear.Suits.
    private static readonly string[] Processor = ["FlowHeadRows", "RowLinear", "RowWeight", "TensorMemory", "CpuTeam", "RowKernels", "BrainFloat"];

    private static readonly string[] Token = ["NextStep.Research.TokenSampler::Sample(", "NextStep.Research.TokenSampler::Feed("];

    [Fact]
    public void The_decode_loop_reads_nothing_back()
    {
        (HashSet<string> reached, List<MethodCall> reads) = Walk(Token);
        Assert.True(reads.Count == 0, string.Join('\n', reads.Select(r => $"{r.File}({r.Line}): {r.Caller} calls {r.Callee}")));
        // The walk came as far as it must: through layers, cache, head and solver.
        foreach (string part in (string[])["CausalTransformer::Forward(", "Attention::Forward(", "KeyValueCache::Append(", "RotaryAngles::Rotate(", "FlowSampler::Steps(", "FlowHeadNetwork::Velocity(", "FlowSolver::Step(", "Guidance::Combine("])
        {
            Assert.Contains(reached, m => m.Contains(part, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_training_step_of_the_model_reads_nothing_back_before_its_one_question() =>
        Assert.DoesNotContain(Walk("NextStep.Research.NextStepModel::Losses(", "NextStep.Research.ModelTrainer::Metrics(").Reads,
            r => !r.Caller.StartsWith("NextStep.Research.BatchPlaces::Of(TorchSharp", StringComparison.Ordinal) // of a batch that others laid out
                && !r.Caller.Contains("NextStepModel::Embed(", StringComparison.Ordinal)); // looked for only without places

    [Fact]
    public void The_walk_finds_the_question_that_the_optimizer_asks() =>
        Assert.Contains(Walk("NextStep.Research.FusedOptimizer::Step(").Reads, r => r.Callee.Contains("item", StringComparison.Ordinal));

    private static (HashSet<string> Reached, List<MethodCall> Reads) Walk(params string[] starts)
    {
        using MethodCalls calls = new(typeof(NextStepModel).Assembly.Location);
        ILookup<string, MethodCall> byCaller = calls.All().ToLookup(c => c.Caller);
        ILookup<string, string> bySignature = byCaller.Select(g => g.Key).ToLookup(Signature);
        Queue<string> open = new(byCaller.Select(g => g.Key).Where(m => starts.Any(s => m.StartsWith(s, StringComparison.Ordinal))));
        Assert.True(open.Count >= starts.Length);
        HashSet<string> reached = [.. open];
        List<MethodCall> reads = [];
        while (open.TryDequeue(out string? method))
        {
            foreach (MethodCall call in byCaller[method])
            {
                if (IsRead(call.Callee))
                {
                    reads.Add(call);
                }
                else if (call.Callee.StartsWith("NextStep.Research.", StringComparison.Ordinal))
                {
                    // A method without a body of its own is answered by whichever class overrides it.
                    foreach (string answer in byCaller.Contains(call.Callee) ? [call.Callee] : bySignature[Signature(call.Callee)])
                    {
                        if (!IsProcessor(answer) && reached.Add(answer))
                        {
                            open.Enqueue(answer);
                        }
                    }
                }
            }
        }
        return (reached, reads);
    }

    private static string Signature(string method) => method[(method.IndexOf("::", StringComparison.Ordinal) + 2)..];

    private static bool IsRead(string callee) => callee.StartsWith("TorchSharp.", StringComparison.Ordinal)
        && Reads.Contains(callee[(callee.IndexOf("::", StringComparison.Ordinal) + 2)..callee.IndexOf('(', StringComparison.Ordinal)]);

    private static bool IsProcessor(string method) => Processor.Any(p => method.StartsWith($"NextStep.Research.{p}", StringComparison.Ordinal));
}
