using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Pictures that go through the autoencoder in tiles come out as if they had gone through whole.</summary>
public sealed class TilingTests : IDisposable
{
    private readonly ImageAutoencoder _autoencoder = TinyModels.Pictures();
    private readonly IDisposable _guard = no_grad();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _guard.Dispose();
        _autoencoder.Dispose();
    }

    [Theory]
    [InlineData(16)]
    [InlineData(24)]
    public void Decoding_in_tiles_leaves_no_seam(long tile)
    {
        Tensor latents = TinyModels.Normal("latents", 1, 4, 56, 40);
        Tensor whole = _autoencoder.Decode(latents), tiled = _autoencoder.Decode(latents, tile);
        Assert.InRange(TinyModels.Distance(whole, tiled) / whole.abs().max().item<float>(), 0, 0.01);
        // Steps across the cuts are no larger than in the picture that was never cut.
        long cut = tile * _autoencoder.Config.Downsampling;
        Tensor Step(Tensor x) => (x.select(2, cut) - x.select(2, cut - 1)).abs().mean();
        Assert.Equal(Step(whole).item<float>(), Step(tiled).item<float>(), 0.01 * Step(whole).item<float>());
    }

    [Fact]
    public void Encoding_in_tiles_leaves_no_seam()
    {
        Tensor pixels = TinyModels.Normal("pixels", 2, 3, 80, 112);
        Tensor whole = _autoencoder.Moments(pixels), tiled = _autoencoder.Moments(pixels, 20);
        Assert.InRange(TinyModels.Distance(whole, tiled) / whole.abs().max().item<float>(), 0, 0.01);
    }

    [Fact]
    public void A_patch_stem_leaves_no_seam_either()
    {
        using ImageAutoencoder stem = new(new AutoencoderConfig { Width = 8, Multipliers = [1, 2], LatentChannels = 4, StemPatch = 3 });
        Initialization.Apply(stem, 3);
        Assert.Equal(6, stem.Config.Downsampling);
        Tensor pixels = TinyModels.Normal("pixels", 1, 3, 240, 252), moments = stem.Moments(pixels), latents = TinyModels.Normal("latents", 1, 4, 40, 42), whole = stem.Decode(latents);
        Assert.Equal([1, 8, 40, 42], moments.shape);
        Assert.Equal([1, 3, 240, 252], whole.shape);
        Assert.InRange(TinyModels.Distance(moments, stem.Moments(pixels, 20)) / moments.abs().max().item<float>(), 0, 0.01);
        Assert.InRange(TinyModels.Distance(whole, stem.Decode(latents, 16)) / whole.abs().max().item<float>(), 0, 0.01);
    }

    // Without norms there are no statistics to estimate, and margins make the result exact.
    [Fact]
    public void Convolutions_in_tiles_are_exact()
    {
        using TorchSharp.Modules.Conv2d first = nn.Conv2d(3, 4, 3, padding: 1), second = nn.Conv2d(4, 2, 5, stride: 2, padding: 2);
        Tensor x = TinyModels.Normal("x", 1, 3, 44, 62);
        Tensor Both(Tensor t) => second.forward(first.forward(t));
        Assert.InRange(TinyModels.Distance(Both(x), Tiling.Run(x, 10, 4, 2, Both)), 0, 1e-5);
    }

    [Fact]
    public void Tiling_leaves_no_tensor_and_no_trace()
    {
        Tensor latents = TinyModels.Normal("latents", 1, 4, 24, 24);
        Tensor before = _autoencoder.Decode(latents);
        long live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        _autoencoder.Decode(latents, 8).Dispose();
        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        TensorAssert.Same(before, _autoencoder.Decode(latents));
    }
}
