using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Model;

/// <summary>The layer's one option: norms of queries and keys, and the names that they have.</summary>
public sealed class LayerTests
{
    private static readonly TransformerConfig Shape = new()
    {
        VocabularySize = 8, HiddenSize = 16, IntermediateSize = 24, Layers = 2, Heads = 2, KeyValueHeads = 1, HeadDim = 8,
    };

    [Fact]
    public void Normed_queries_and_keys_do_not_depend_on_the_scale_of_their_products()
    {
        using CausalTransformer normed = new(Shape with { Layer = new PaperLayer { QkNorm = true } }), plain = new(Shape);
        string[] more = [.. normed.named_parameters().Select(p => p.name).Except(plain.named_parameters().Select(p => p.name))];
        Assert.Equal(["layers.0.self_attn.q_norm.weight", "layers.0.self_attn.k_norm.weight", "layers.1.self_attn.q_norm.weight", "layers.1.self_attn.k_norm.weight"], more);
        Assert.True(Change(normed) < 1e-4);
        Assert.True(Change(plain) > 1e-2);

        static float Change(CausalTransformer transformer)
        {
            using IDisposable guard = no_grad();
            TinyModels.Randomize(transformer, 5);
            Tensor x = TinyModels.Normal("x", 1, 5, 16), before = transformer.Forward(x);
            foreach ((string name, TorchSharp.Modules.Parameter parameter) in transformer.named_parameters().Where(p => p.name.Contains("q_proj", StringComparison.Ordinal)))
            {
                parameter.TimesInPlace(4);
            }
            return transformer.Forward(x).sub(before).abs().max().item<float>();
        }
    }
}
