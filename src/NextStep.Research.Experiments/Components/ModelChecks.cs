using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Tries what a model is made of and how it is led: layers, tokenizers, schedules. Null: right; else what is wrong, as the end of a sentence.</summary>
internal static class ModelChecks
{
    private const int Positions = 6, Width = 16;

    /// <summary>Causal, the same at once and by the cache, with a gradient for every weight.</summary>
    public static string? Layer(LayerConfig config)
    {
        using DisposeScope scope = NewDisposeScope();
        TransformerConfig shape = new() { VocabularySize = 8, HiddenSize = Width, IntermediateSize = 24, Layers = 2, Heads = 2, KeyValueHeads = 1, HeadDim = Width / 2, Layer = config };
        using CausalTransformer transformer = new(shape);
        foreach ((string name, Parameter parameter) in transformer.named_parameters())
        {
            using IDisposable guard = no_grad();
            using Tensor first = ComponentCheck.Numbers(name, parameter.shape);
            parameter.copy_(parameter.dim() == 1 ? ones_like(parameter) : first.Over(4));
        }
        Tensor x = ComponentCheck.Numbers("states", 2, Positions, Width);
        Tensor whole = transformer.Forward(x);
        if (!whole.shape.SequenceEqual(x.shape))
        {
            return $"makes [{string.Join(", ", whole.shape)}] of hidden states [{string.Join(", ", x.shape)}]";
        }
        if (!whole.isfinite().all().item<bool>())
        {
            return "makes numbers that are not finite";
        }
        whole.sum().backward();
        string[] without = [.. transformer.named_parameters().Where(p => p.name.StartsWith("layers.0.", StringComparison.Ordinal) && p.parameter.grad is null).Select(p => p.name["layers.0.".Length..])];
        if (without.Length > 0 || !transformer.named_parameters().Any(p => p.name.StartsWith("layers.0.", StringComparison.Ordinal)))
        {
            return without.Length > 0 ? $"gives no gradient to {string.Join(", ", without)}" : "has no parameters; RegisterComponents() belongs at the end of its constructor";
        }
        using IDisposable still = no_grad();
        Tensor changed = x.clone();
        changed.narrow(1, Positions - 1, 1).PlusInPlace(1);
        if (Apart(transformer.Forward(changed).narrow(1, 0, Positions - 1), whole.narrow(1, 0, Positions - 1)))
        {
            return "lets a position see one after it";
        }
        using KeyValueCache cache = new(shape, 2, Positions, ScalarType.Float32, CPU);
        Tensor[] pieces = [.. (((int Start, int Count)[])[(0, 3), (3, 2), (5, 1)]).Select(c => transformer.Forward(x.narrow(1, c.Start, c.Count), null, cache))];
        return Apart(cat(pieces, 1), whole) ? "comes to other states by the cache than at once" : null;

        static bool Apart(Tensor a, Tensor b) => a.sub(b).abs().max().item<float>() > 1e-3;
    }

    /// <summary>Ids within the vocabulary, the structural tokens taken whole, and the same ids after saving and loading.</summary>
    public static string? Tokenizer(TokenizerConfig config, IReadOnlyList<string> words)
    {
        string[] captions = ["a red circle", "two blue squares above a star", .. words];
        TextTokenizer tokenizer = config.Build(captions), again = config.Build(captions);
        string text = $"{captions[1]}{SpecialTokenText.Written[SpecialTokenText.Ids.BeginOfImage]}";
        int[] ids = tokenizer.Encode(text);
        if (ids.Length == 0 || ids.Any(i => i < 0 || i >= tokenizer.VocabularySize))
        {
            return ids.Length == 0 ? "makes no ids of a caption" : $"makes the id {ids.First(i => i < 0 || i >= tokenizer.VocabularySize)} with a vocabulary of {tokenizer.VocabularySize}";
        }
        if (ids[^1] != tokenizer.Special.BeginOfImage)
        {
            return "does not take a structural token that is written out in a text as one; SpecialTokenText.Split cuts them out";
        }
        if (!again.Encode(text).SequenceEqual(ids))
        {
            return "makes other ids of the same text when it is built from the same captions again";
        }
        DirectoryInfo folder = Directory.CreateTempSubdirectory("nextstep-check-");
        try
        {
            tokenizer.Save(folder.FullName);
            return config.Load(folder.FullName).Encode(text).SequenceEqual(ids) ? null : "makes other ids after Save and Load";
        }
        finally
        {
            folder.Delete(true);
        }
    }

    /// <summary>Finite all the way.</summary>
    public static string? Guidance(GuidanceSchedule schedule) =>
        Enumerable.Range(0, Positions).Any(i => !double.IsFinite(schedule.At(2, i, Positions))) ? "gives a guidance that is no finite number" : null;

    /// <summary>At least one step.</summary>
    public static string? Steps(StepSchedule schedule) =>
        Enumerable.Range(0, Positions).Select(i => schedule.At(4, i, Positions)).Where(s => s is < 1 or > 1000).Select(s => $"gives {s} steps; 1 to 1000 are possible").FirstOrDefault();
}
