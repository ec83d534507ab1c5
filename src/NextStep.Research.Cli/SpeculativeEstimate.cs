using System.Globalization;
using Spectre.Console;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>What <c>generate --draft … --estimate</c> prints: what a draft's parts take, measured on the loaded weights, and from which share of accepted tokens on it pays.</summary>
internal static class SpeculativeEstimate
{
    private const int Rounds = 15, MostPictures = 8;
    private static readonly int[] Lengths = [1, 2, 4, 8];

    /// <summary>Draws some pictures for the share of accepted tokens, then measures the parts.</summary>
    public static void Print(LoadedModel loaded, SpeculativeDraft draft, GenerationRequest request, CancellationToken cancellation)
    {
        int pictures = Math.Min(MostPictures, request.Prompts.Count * request.ImagesPerPrompt);
        GenerationRequest few = request with { Draft = draft, Prompts = [.. request.Prompts.Take(pictures)], ImagesPerPrompt = Math.Max(1, pictures / request.Prompts.Count), Noise = null };
        loaded.Generator().DrawTokens(few, null, cancellation).Dispose();
        SpeculativeCounts counts = draft.Counts;
        double alone = (double)counts.StepsAlone / Math.Max(1, counts.Verified - counts.Accepted);
        int steps = request.Sampling.Steps;
        Show("accepted", Describe(counts) + string.Create(CultureInfo.InvariantCulture, $"; {alone:F1} of {steps} steps alone in a rejected token"));
        foreach (int k in Lengths.Append(draft.Tokens).Distinct().Order())
        {
            SpeculativeCost timed = Measured(loaded.Model, draft, request, k);
            SpeculativeCost read = SpeculativeCost.OfBytes(k, steps, Layers(loaded.Model), Bytes(loaded.Model.Head.parameters()), Layers(draft.Model.Model), Bytes(draft.Model.Model.Head.parameters()));
            Show($"k = {k}", string.Create(
                CultureInfo.InvariantCulture,
                $"pass {timed.Pass:F2} ms, of {k} {timed.LongPass:F2}; head {timed.Head:F2}, verifying {timed.Verification:F2}; proposal {timed.Proposal:F2}: {timed.Speedup(counts.TokenShare, alone):F2}× as fast, {Needs(timed, alone)}; by bytes read {read.Speedup(counts.TokenShare, alone):F2}×, {Needs(read, alone)}"));
        }
    }

    /// <summary>What was accepted, for people.</summary>
    public static string Describe(SpeculativeCounts counts) => string.Create(
        CultureInfo.InvariantCulture,
        $"{counts.Accepted} of {counts.Verified} tokens that were looked at ({counts.TokenShare:P1}) and {counts.StepShare:P1} of their steps, of {counts.Proposed} proposed; {counts.Passes} passes instead of {counts.PlainPasses}");

    private static string Needs(SpeculativeCost cost, double alone) =>
        cost.LeastShare(alone) is { } least ? string.Create(CultureInfo.InvariantCulture, $"pays from {least:P0} on") : "never pays";

    private static SpeculativeCost Measured(NextStepModel model, SpeculativeDraft draft, GenerationRequest request, int k)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        GuidanceBranches branches = ImageGenerator.Branches(request), draftBranches = draft.Guided ? branches : GuidanceBranches.None;
        Guidance guidance = new(branches, request.Sampling.Guidance, request.Sampling.ImageGuidance), draftGuidance = new(draftBranches, request.Sampling.Guidance, request.Sampling.ImageGuidance);
        int past = request.Prompts.Max(p => p.Split(' ').Length) + (request.Height / draft.Model.Autoencoder.Config.PixelsPerToken * (request.Width / draft.Model.Autoencoder.Config.PixelsPerToken) / 2);
        using TokenHeadSamplers heads = new(model, request.Sampling, 1, null), draftHeads = new(draft.Model.Model, request.Sampling, 1, null);
        using DrawnNoise noise = new(0, "estimate");
        FlowSampler head = (FlowSampler)heads.At(0), draftHead = (FlowSampler)draftHeads.At(0);
        using KeyValueCache cache = Filled(model, branches, past, k, request.Sampling.CacheBits), draftCache = Filled(draft.Model.Model, draftBranches, past, 1, request.Sampling.CacheBits);
        Tensor one = States(model, branches, 1), many = States(model, branches, k), small = States(draft.Model.Model, draftBranches, 1);
        float[][] path = [.. Enumerable.Range(0, request.Sampling.Steps).Select(_ => new float[model.Config.TokenWidth])];
        float[][][] paths = [.. Enumerable.Repeat(path, k)];
        Timings times = Timings.Of(
            Rounds,
            ("pass", () => Pass(model, one, cache, past)),
            ("long", () => Pass(model, many, cache, past)),
            ("head", () => head.Sample(one.select(1, 0), guidance, noise)),
            ("verify", () =>
            {
                using FlowPaths flow = head.Paths(many.flatten(0, 1), [.. Enumerable.Repeat(guidance, k)]);
                flow.Means(paths);
            }),
            ("proposal", () =>
            {
                Pass(draft.Model.Model, small, draftCache, past);
                draftHead.Sample(small.select(1, 0), draftGuidance, noise);
            }));
        return new SpeculativeCost
        {
            Tokens = k,
            Steps = request.Sampling.Steps,
            Pass = times["pass"],
            LongPass = times["long"],
            Head = times["head"],
            Verification = times["verify"],
            Proposal = times["proposal"],
        };
    }

    private static KeyValueCache Filled(NextStepModel model, GuidanceBranches branches, int past, int k, int? cacheBits)
    {
        KeyValueCache cache = new(model.Config.Transformer, (int)branches, past + k, KeyValueCache.DtypeOf(model.Transformer), model.Transformer.LayerDevices, cacheBits);
        model.Transformer.Forward(States(model, branches, past), null, cache).Dispose();
        return cache;
    }

    private static Tensor States(NextStepModel model, GuidanceBranches branches, int positions) =>
        ones((int)branches, positions, model.Config.Transformer.HiddenSize, dtype: model.Transformer.Dtype, device: model.Transformer.LayerDevices[0]);

    private static void Pass(NextStepModel model, Tensor states, KeyValueCache cache, int past)
    {
        model.ProjectOut(model.Transformer.Forward(states, null, cache)).Dispose();
        cache.Cut(past);
    }

    private static double Layers(NextStepModel model) => Bytes(model.Transformer.layers.parameters());

    private static double Bytes(IEnumerable<TorchSharp.Modules.Parameter> parameters) => parameters.Sum(p => (double)p.numel() * p.element_size());

    private static void Show(string name, string value) => AnsiConsole.WriteLine($"{name,-10} {value}");
}
