using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Model;

public sealed class DotAttentionTests
{
    [Theory]
    [InlineData("none")]
    [InlineData("causal")]
    [InlineData("bool")]
    [InlineData("additive")]
    public void It_and_its_gradients_are_those_of_the_fused_form(string masks)
    {
        const int queries = 7;
        Tensor mask = ones(2, 1, queries, queries, dtype: ScalarType.Bool).tril(2);
        mask[1, 0, 3, 4] = tensor(false);
        Tensor? given = masks switch { "bool" => mask, "additive" => CausalTransformer.Additive(mask, ScalarType.Float32), _ => null };
        bool causal = masks == "causal";
        Tensor[] ours = Run((q, k, v) => DotAttention.Of(q, k, v, given, causal), 2, 3, queries), fused = Run((q, k, v) => nn.functional.scaled_dot_product_attention(q, k, v, given!, is_casual: causal), 2, 3, queries);
        foreach ((Tensor one, Tensor two) in ours.Zip(fused))
        {
            Assert.InRange(one.sub(two).abs().max().item<float>(), 0, 2e-6);
        }
    }

    [Fact]
    public void Beyond_512_by_512_scores_nothing_holds_them()
    {
        Tensor[] ours = Run((q, k, v) => DotAttention.Of(q, k, v, causal: true), 1, 1, 513), fused = Run((q, k, v) => nn.functional.scaled_dot_product_attention(q, k, v, is_casual: true), 1, 1, 513);
        foreach ((Tensor one, Tensor two) in ours.Zip(fused))
        {
            TensorAssert.Same(one, two);
        }
    }

    [Fact]
    public void A_query_without_a_key_gets_finite_numbers_and_harms_no_other()
    {
        Tensor seen = ones(1, 1, 5, 5, dtype: ScalarType.Bool).tril();
        seen[0, 0, 0, 0] = tensor(false);
        Tensor[] found = Run((q, k, v) => DotAttention.Of(q, k, v, seen), 1, 2, 5), causal = Run((q, k, v) => DotAttention.Of(q, k, v, causal: true), 1, 2, 5);
        Assert.All(found, t => Assert.True(t.isfinite().all().item<bool>()));
        Assert.NotEqual(causal[0].narrow(2, 0, 1).data<float>(), found[0].narrow(2, 0, 1).data<float>());
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void What_is_not_seen_is_finite_in_every_precision_and_weighs_nothing(ScalarType dtype)
    {
        Tensor mask = DotAttention.Additive(tensor(new[] { true, false }), dtype);
        Assert.True(mask.isfinite().all().item<bool>());
        Assert.Equal([1f, 0f], mask.Plus(tensor(new[] { -50f, 50f }).to_type(dtype)).to_type(ScalarType.Float32).softmax(0).data<float>());
    }

    private static Tensor[] Run(Func<Tensor, Tensor, Tensor, Tensor> attention, long batch, long heads, long positions)
    {
        using Generator generator = Streams.For(2, "attention");
        Tensor[] inputs = [.. Enumerable.Range(0, 3).Select(_ => randn([batch, heads, positions, 8], generator: generator).requires_grad_())];
        Tensor weights = randn([batch, heads, positions, 8], generator: generator), found = attention(inputs[0], inputs[1], inputs[2]);
        found.backward([weights]);
        return [found, .. inputs.Select(i => i.grad!)];
    }
}
