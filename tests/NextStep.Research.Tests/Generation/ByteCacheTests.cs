using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Keys and values in 8 bits: what is kept, and attention that reads it as it lies.</summary>
public sealed class ByteCacheTests : IDisposable
{
    private const int Rows = 2, Heads = 3, Group = 5, Width = 16, Capacity = 40;

    private readonly IDisposable _guard = no_grad();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _guard.Dispose();
    }

    [Fact]
    public void A_number_is_off_by_at_most_a_254th_of_the_largest_of_its_position()
    {
        using ByteSlots slots = Empty();
        Tensor x = TinyModels.Normal("x", Rows, Heads, 7, Width).mul(TinyModels.Normal("spread", Rows, Heads, 7, 1).mul(6).exp());
        x.select(2, 3).zero_();
        slots.Write(5, x);
        Tensor kept = slots.Read(12).narrow(2, 5, 7), most = x.abs().amax([-1], keepdim: true);
        Assert.True(kept.sub(x).abs().le(most.div(254).mul(1.0001)).all().item<bool>());
        Assert.Equal(0, kept.select(2, 3).abs().max().item<float>()); // nothing but zeros stays so
        Assert.InRange(kept.abs().amax([-1], keepdim: true).sub(most).abs().div(most.clamp(1e-30f)).max().item<float>(), 0, 1e-6); // the largest is kept
        Assert.True(kept.sub(x).abs().max().item<float>() > 0);
    }

    [Theory]
    [InlineData(1, 1, false)]
    [InlineData(8, 5, false)]
    [InlineData(13, 5, true)]
    [InlineData(40, 2, true)]
    public void Attention_over_bytes_is_attention_over_what_they_stand_for(int length, int group, bool masked)
    {
        using ByteSlots keys = Filled("keys", length), values = Filled("values", length);
        Tensor q = TinyModels.Normal("q", Rows, Heads, group, Width);
        Tensor? mask = masked ? DotAttention.Additive(TinyModels.Normal("mask", Rows, 1, 1, Capacity).gt(-0.5).narrow(3, 0, length), ScalarType.Float32) : null;
        Tensor expected = DotAttention.Of(q.to_type(ScalarType.Float64), keys.Read(length).to_type(ScalarType.Float64), values.Read(length).to_type(ScalarType.Float64), mask?.to_type(ScalarType.Float64));
        Assert.InRange(TinyModels.Distance(expected, ByteAttention.Of(q, keys, values, length, mask).to_type(ScalarType.Float64)), 0, 1e-6);
    }

    [Fact]
    public void A_row_does_not_depend_on_its_company_nor_on_the_number_of_threads()
    {
        long[] shape = [Rows, Heads, 500, Width];
        using ByteSlots keys = new(shape, ScalarType.Float32, CPU), values = new(shape, ScalarType.Float32, CPU), own = new([1, .. shape[1..]], ScalarType.Float32, CPU), ownValues = new([1, .. shape[1..]], ScalarType.Float32, CPU);
        keys.Write(0, TinyModels.Normal("keys", shape));
        values.Write(0, TinyModels.Normal("values", shape));
        Tensor second = tensor(new long[] { 1 }), q = TinyModels.Normal("q", Rows, Heads, Group, Width);
        own.Take(keys, 500, second);
        ownValues.Take(values, 500, second);
        Tensor together = ByteAttention.Of(q, keys, values, 500, null);
        TensorAssert.Same(together.narrow(0, 1, 1), ByteAttention.Of(q.narrow(0, 1, 1), own, ownValues, 500, null));
        int threads = get_num_threads();
        try
        {
            set_num_threads(threads + 2);
            TensorAssert.Same(together, ByteAttention.Of(q, keys, values, 500, null));
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void A_token_sees_what_was_kept_whether_it_comes_alone_or_in_company()
    {
        using CausalTransformer transformer = Transformer();
        Tensor embeds = TinyModels.Normal("embeds", 2, 9, 48);
        using KeyValueCache whole = new(transformer.Config, 2, 9, ScalarType.Float32, CPU, 8), pieces = new(transformer.Config, 2, 9, ScalarType.Float32, CPU, 8);
        Tensor at = transformer.Forward(embeds, null, whole);
        Tensor one = cat([transformer.Forward(embeds.narrow(1, 0, 4), null, pieces), .. Enumerable.Range(4, 5).Select(i => transformer.Forward(embeds.narrow(1, i, 1), null, pieces))], 1);
        // A rounding that falls to the other side changes a number of the cache by a 127th.
        Assert.InRange(TinyModels.Distance(at, one), 0, 5e-3);
        double error = TinyModels.Distance(transformer.Forward(embeds), at);
        Assert.InRange(error, 1e-4, 0.05);

        pieces.Cut(6);
        Assert.InRange(TinyModels.Distance(one.narrow(1, 6, 1), transformer.Forward(embeds.narrow(1, 6, 1), null, pieces)), 0, 1e-6);
    }

    [Fact]
    public void Drawing_is_nearly_the_same_and_the_estimate_knows_the_memory()
    {
        using LoadedModel model = ReleasedFolder.Load(ShippedModel.Folder);
        GenerationRequest request = new() { Prompts = ["a red circle on a white background"], Height = 32, Width = 32, Sampling = model.Sampling with { Steps = 4 }, Seed = 3 };
        // The first token alone: what follows is fed with other tokens.
        Assert.InRange(TinyModels.Distance(First(null), First(8)), 1e-6, 0.1);

        List<MemoryEstimate> needs = [];
        foreach (int? bits in new int?[] { null, 8 })
        {
            ReleasedFolder.Load(ShippedModel.Folder, new LoadOptions { Devices = [CPU], CacheBits = bits, Estimated = needs.Add }).Dispose();
        }
        double width = model.Model.Config.Transformer.HeadDim;
        Assert.Equal(4 / (1 + (4 / width)), (double)needs[0].LayerCache / needs[1].LayerCache, 1e-3);

        Tensor First(int? bits)
        {
            List<Tensor> tokens = [];
            model.Generator().DrawTokens(request with { Sampling = request.Sampling with { CacheBits = bits }, OnToken = Keep }, null, TestContext.Current.CancellationToken).Dispose();
            return tokens[0];

            void Keep(SampledToken sampled)
            {
                Tensor token = sampled.Token.clone().DetachFromDisposeScope();
                _scope.Attach(token);
                tokens.Add(token);
            }
        }
    }

    [Fact]
    public void Other_bits_are_refused()
    {
        using CausalTransformer transformer = Transformer();
        Assert.Contains("8 bits", Assert.Throws<ArgumentOutOfRangeException>(() => new KeyValueCache(transformer.Config, 1, 3, ScalarType.Float32, CPU, 4)).Message, StringComparison.Ordinal);
    }

    private static CausalTransformer Transformer()
    {
        CausalTransformer transformer = new(TinyModels.Transformer() with { HiddenSize = 48, HeadDim = Width });
        TinyModels.Randomize(transformer, 5);
        transformer.eval();
        return transformer;
    }

    private static ByteSlots Empty() => new([Rows, Heads, Capacity, Width], ScalarType.Float32, CPU);

    private static ByteSlots Filled(string name, int length)
    {
        ByteSlots slots = Empty();
        slots.Write(0, TinyModels.Normal(name, Rows, Heads, length, Width));
        return slots;
    }
}
