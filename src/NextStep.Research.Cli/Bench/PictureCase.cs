using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>A whole picture with its parts, text to pixels.</summary>
internal static class PictureCase
{
    private const string Prompt = "a red circle", Negative = "a bad figure"; // as long as the prompt: no padding
    private const int Side = 8;
    private const int Tokens = Side * Side;

    /// <summary>64 tokens of 20 steps with guidance, and the decoder.</summary>
    public static BenchRow Run(string name, BenchOptions options)
    {
        ByteTokenizer tokenizer = new();
        AutoencoderConfig pictures = new() { Width = 64, Multipliers = [1, 2, 4, 4], LatentChannels = 16 };
        NextStepConfig config = ModelSizes.Resolve(
            new ModelConfig
            {
                Transformer = new TransformerOptions { Layers = 8, Width = 512, Heads = 8, KeyValueHeads = 4, Intermediate = 1408 },
                Head = new FlowHead { Width = 512, Layers = 6 },
            },
            pictures, tokenizer);
        using NextStepModel model = new(config);
        using ImageAutoencoder autoencoder = new(pictures);
        model.eval();
        Initialization.Apply(autoencoder, 0);
        autoencoder.eval();
        ImageGenerator generator = new(model, autoencoder, tokenizer);
        SamplingConfig sampling = new() { Steps = 20, Guidance = 3, NormalizeTokens = false };
        int pixels = Side * pictures.PixelsPerToken;
        GenerationRequest request = new() { Prompts = [Prompt], NegativePrompt = Negative, Height = pixels, Width = pixels, Sampling = sampling };
        OpByOpModel naive = new(model);
        SequenceLayout layout = new(tokenizer);
        int[] prompt = layout.Prompt(Prompt, Side, Side), negative = layout.Prompt(Negative, Side, Side);
        using Tensor ids = tensor([.. prompt.Concat(negative).Select(i => (long)i)], [2, prompt.Length]);

        using FlowSampler sampler = new(model.Head.Network, new FlowSamplerOptions { Steps = sampling.Steps });
        using Tensor states = randn(2, config.Transformer.HiddenSize), tokens = randn(1, Tokens, config.TokenWidth);
        using DrawnNoise noise = new(0, "bench");
        Guidance guidance = new(GuidanceBranches.Text, sampling.Guidance);
        List<(string, Action)> works =
        [
            ("ours", () => generator.Draw(request)),
            ("transformer", () => Decode(model, ids)),
            ("projector", () => Repeat(Tokens, () => model.ProjectOut(states))),
            ("head", () => Repeat(Tokens, () => sampler.Sample(states, guidance, noise))),
            ("decoder", () => generator.Decode(tokens, Side, Side)),
        ];
        if (options.Naive)
        {
            works.Insert(0, ("naive", () => generator.Decode(naive.Draw(ids, GuidanceBranches.Text, Tokens, sampling, noise), Side, Side)));
        }
        Timings times = Timings.Of(options.Rounds, [.. works]);
        string[] parts = ["transformer", "projector", "head"];
        Dictionary<string, double> details = parts.ToDictionary(p => p + "MsPerToken", p => times[p] / Tokens);
        details["decoderMs"] = times["decoder"];
        details["restMsPerToken"] = (times["ours"] - parts.Sum(p => times[p]) - times["decoder"]) / Tokens;
        details["tokensPerSecond"] = 1000 * Tokens / times["ours"];
        if (options.Naive)
        {
            details["naiveMs"] = times["naive"];
        }
        return new BenchRow(
            name, $"picture: 512×8, head 512×6, {Tokens} tokens, {sampling.Steps} steps, 2 branches, decoder to {pixels}×{pixels}, fp32", times["ours"], "op by op",
            new BenchValue(BenchKind.Speedup, options.Naive ? times.Ratio("naive", "ours") : double.NaN), new BenchValue(BenchKind.Speedup, 3))
        {
            Details = details,
        };
    }

    // The transformer's part of a picture: prefill, then a step for every token but the last.
    private static void Decode(NextStepModel model, Tensor ids)
    {
        using DisposeScope scope = NewDisposeScope();
        using KeyValueCache cache = new(model.Config.Transformer, 2, ids.size(1) + Tokens - 1, ScalarType.Float32, CPU);
        _ = model.Transformer.Forward(model.Embed(ids, null), null, cache);
        Tensor next = randn(2, 1, model.Config.Transformer.HiddenSize);
        Repeat(Tokens - 1, () => model.Transformer.Forward(next, null, cache));
    }

    private static void Repeat(int count, Func<Tensor> work)
    {
        for (int i = 0; i < count; i++)
        {
            work().Dispose();
        }
    }
}
