using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Every way through the transformer gives the same states.</summary>
public sealed class TransformerIdentityTests : IDisposable
{
    private const double Rounding = 2e-5;
    private readonly NextStepModel _model = TinyModels.Model();
    private readonly IDisposable _guard = no_grad();
    private readonly DisposeScope _scope = NewDisposeScope();

    private CausalTransformer Transformer => _model.Transformer;

    public void Dispose()
    {
        _scope.Dispose();
        _guard.Dispose();
        _model.Dispose();
    }

    [Theory]
    [InlineData(1, new int[0])]
    [InlineData(2, new[] { 1, 2, 3, 4, 5, 6, 7, 8 })]
    [InlineData(3, new[] { 5 })]
    [InlineData(2, new[] { 3, 4, 7 })]
    public void Cached_pieces_equal_the_whole(int rows, int[] cuts)
    {
        Tensor embeds = TinyModels.Normal("embeds", rows, 9, 24);
        Tensor whole = Transformer.Forward(embeds);
        using KeyValueCache cache = new(Transformer.Config, rows, 9, ScalarType.Float32, CPU);
        List<Tensor> pieces = [];
        int start = 0;
        foreach (int end in cuts.Append(9))
        {
            pieces.Add(Transformer.Forward(embeds.narrow(1, start, end - start), null, cache));
            start = end;
        }
        Assert.Equal(9, cache.Length);
        Assert.InRange(TinyModels.Distance(whole, cat(pieces, 1)), 0, Rounding);
    }

    [Fact]
    public void Padding_on_the_left_changes_nothing_behind_it()
    {
        Tensor embeds = TinyModels.Normal("embeds", 1, 6, 24);
        Tensor alone = Transformer.Forward(embeds);
        Tensor padded = cat([TinyModels.Normal("garbage", 1, 4, 24).mul(50), embeds], 1);
        Tensor mask = arange(10, dtype: ScalarType.Int64).ge(4).unsqueeze(0);
        Assert.InRange(TinyModels.Distance(alone, Transformer.Forward(padded, mask).narrow(1, 4, 6)), 0, Rounding);

        using KeyValueCache cache = new(Transformer.Config, 1, 10, ScalarType.Float32, CPU);
        Tensor first = Transformer.Forward(padded.narrow(1, 0, 7), mask.narrow(1, 0, 7), cache);
        Tensor rest = cat([.. Enumerable.Range(7, 3).Select(i => Transformer.Forward(padded.narrow(1, i, 1), mask.narrow(1, 0, i + 1), cache))], 1);
        Assert.InRange(TinyModels.Distance(alone, cat([first.narrow(1, 4, 3), rest], 1)), 0, Rounding);
    }

    [Fact]
    public void Padding_on_the_right_changes_nothing_before_it_with_or_without_a_mask()
    {
        Tensor embeds = TinyModels.Normal("embeds", 1, 6, 24);
        Tensor padded = cat([embeds, TinyModels.Normal("garbage", 1, 3, 24).mul(50)], 1);
        Tensor mask = arange(9, dtype: ScalarType.Int64).lt(6).unsqueeze(0);
        Tensor alone = Transformer.Forward(embeds);
        Assert.InRange(TinyModels.Distance(alone, Transformer.Forward(padded, mask).narrow(1, 0, 6)), 0, Rounding);
        Assert.InRange(TinyModels.Distance(alone, Transformer.Forward(padded).narrow(1, 0, 6)), 0, Rounding);
    }

    [Fact]
    public void A_fully_padded_row_stays_finite()
    {
        Tensor hidden = Transformer.Forward(TinyModels.Normal("embeds", 2, 4, 24), zeros(2, 4, dtype: ScalarType.Bool));
        Assert.True(hidden.isfinite().all().item<bool>());
    }

    [Fact]
    public void Only_differences_of_positions_matter()
    {
        Tensor embeds = TinyModels.Normal("embeds", 2, 7, 24);
        Tensor shifted = Transformer.Forward(embeds, positions: arange(100, 107, dtype: ScalarType.Int64));
        Assert.InRange(TinyModels.Distance(Transformer.Forward(embeds), shifted), 0, 1e-4);
    }

    [Fact]
    public void A_full_cache_says_so()
    {
        using KeyValueCache cache = new(Transformer.Config, 1, 3, ScalarType.Float32, CPU);
        Assert.Contains("3 positions", Assert.Throws<InvalidOperationException>(() => Transformer.Forward(TinyModels.Normal("e", 1, 4, 24), null, cache)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_model_moves_switches_mode_and_names_its_tensors_as_the_released_one()
    {
        string[] names = [.. _model.state_dict().Keys];
        Assert.Contains("layers.2.self_attn.o_proj.bias", names);
        Assert.Contains("image_head.net.final_layer.adaLN_modulation.1.weight", names);
        Assert.DoesNotContain(names, n => n.StartsWith('_') || n.Contains("transformer", StringComparison.Ordinal));
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.Equal(names.Length, _model.parameters().Count());

        _model.train();
        Assert.All(_model.named_modules(), m => Assert.True(m.module.training));
        _model.eval();
        Assert.All(_model.named_modules(), m => Assert.False(m.module.training));

        _model.to(ScalarType.Float64);
        Assert.All(_model.state_dict().Values, t => Assert.Equal(ScalarType.Float64, t.dtype));
        Tensor hidden = Transformer.Forward(_model.Embed(tensor(new long[] { 7, 4, 4 }, [1, 3]), zeros(2, 16, dtype: ScalarType.Float64)));
        Assert.Equal(ScalarType.Float64, Transformer.Logits(hidden).dtype);
    }

    [Fact]
    public void A_model_built_inside_a_scope_outlives_it()
    {
        NextStepModel inner;
        using (NewDisposeScope())
        {
            inner = TinyModels.Model();
        }
        using (inner)
        {
            Assert.Equal([1L, 2L, 24L], inner.Transformer.Forward(TinyModels.Normal("embeds", 1, 2, 24)).shape);
        }
    }

    [Fact]
    public void Placeholders_and_image_tokens_must_be_as_many()
    {
        Tensor ids = tensor(new long[] { 7, 4, 4 }, [1, 3]);
        ArgumentException error = Assert.Throws<ArgumentException>(() => _model.Embed(ids, zeros(3, 16)));
        Assert.Contains("2 image placeholders but 3", error.Message, StringComparison.Ordinal);
    }
}
