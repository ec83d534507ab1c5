using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Torch;

[Collection(nameof(Alone))]
public sealed class DevicesTests
{
    [Theory]
    [InlineData("gpu", "cuda:0")]
    [InlineData("CUDA:1", "cuda:1")]
    [InlineData("cuda1", "cuda:1")]
    [InlineData("cuda:", "cuda:0")]
    [InlineData("CPU", "cpu")]
    [InlineData("cpu:0", "cpu")]
    [InlineData("", "cuda:0")]
    public void An_unknown_name_is_an_error_with_the_nearest_one(string name, string nearest) =>
        Assert.Contains($"did you mean '{nearest}'", Assert.Throws<ArgumentException>(() => Devices.One(name)).Message, StringComparison.Ordinal);

    [Fact]
    public void Several_devices_are_refused_for_training_not_taken_for_the_processor()
    {
        ResearchConfig config = new() { Device = "cuda:0,cuda:1" };
        Assert.Contains("training runs on one", Assert.Throws<ArgumentException>(() => config.OpenDevice()).Message, StringComparison.Ordinal);
        Assert.Equal(DeviceType.CPU, new ResearchConfig().OpenDevice().type);
        Assert.Equal(["cuda:0", "cpu"], Devices.Names("cuda, cpu"));
        Assert.Throws<ArgumentException>(() => Devices.Names("cuda,cuda:0"));
    }

    [Fact]
    public void Records_say_how_a_GPU_computes()
    {
        Assert.Equal("cpu", new ResearchConfig().DescribeDevice());
        Assert.Equal("cuda:1, TF32 on, deterministic", new ResearchConfig { Device = "cuda:1", Cuda = new CudaConfig { Tf32 = true } }.DescribeDevice());
    }

    [Theory]
    [InlineData(32, 32, 64)]
    [InlineData(32, 128, 64)]
    [InlineData(32, 512, 4)]
    [InlineData(128, 512, 1)]
    [InlineData(128, 2048, 1)]
    public void Fewer_large_pictures_go_through_the_autoencoder_at_once(int width, int side, int expected)
    {
        using ImageAutoencoder autoencoder = new(new AutoencoderConfig { Width = width, Multipliers = [1, 1], BlocksPerLevel = 1 }, META);
        Assert.Equal(expected, autoencoder.AtOnce(side, side));
    }

    [Fact]
    public void Determinism_and_TF32_are_switched_in_libtorch_itself()
    {
        bool before = TorchContext.Deterministic;
        try
        {
            new CudaConfig { Tf32 = true }.Apply();
            Assert.True(TorchContext.Deterministic && backends.cuda.matmul.allow_tf32 && backends.cudnn.allow_tf32);
            new CudaConfig { Deterministic = false }.Apply();
            Assert.False(TorchContext.Deterministic || backends.cuda.matmul.allow_tf32 || backends.cudnn.allow_tf32);
        }
        finally
        {
            TorchContext.SetDeterministic(before);
        }
    }

    [Fact]
    public void A_mask_as_numbers_gives_the_bits_of_one_of_yes_and_no()
    {
        using IDisposable guard = no_grad();
        Tensor q = TinyModels.Normal("q", 2, 3, 1, 8), k = TinyModels.Normal("k", 2, 3, 11, 8), v = TinyModels.Normal("v", 2, 3, 11, 8);
        Tensor mask = TinyModels.Normal("m", 2, 1, 1, 11).gt(Scalars.Of(-0.5));
        TensorAssert.Same(
            nn.functional.scaled_dot_product_attention(q, k, v, mask),
            nn.functional.scaled_dot_product_attention(q, k, v, CausalTransformer.Additive(mask, ScalarType.Float32)));
    }

    [Fact]
    public void Places_found_on_the_host_are_those_that_torch_finds()
    {
        SpecialTokens special = new() { Pad = 0, ImageArea = 1, BeginOfImage = 2, EndOfImage = 3, ImagePlaceholder = 4, EndOfText = 5 };
        Tensor ids = tensor(new long[] { 4, 7, 2, 4, 4, 3, 5, 0, 8, 9, 5, 0, 0, 0, 0, 0 }, [2, 8]);
        Tensor labels = tensor(new long[] { -100, 7, -100, -100, -100, 3, -100, -100, 8, 9, 5, -100, -100, -100, -100, -100 }, [2, 8]);
        BatchPlaces places = BatchPlaces.Of(ids, labels, special);
        Tensor next = ids.narrow(1, 1, 7).reshape(-1), isImage = next.eq(Scalars.Of(4));
        TensorAssert.Same(ids.flatten().eq(Scalars.Of(4)).nonzero().squeeze(1), places.Slots);
        TensorAssert.Same(isImage.nonzero().squeeze(1), places.Image);
        TensorAssert.Same(isImage.logical_not().logical_and(labels.narrow(1, 1, 7).reshape(-1).ne(Scalars.Of(-100))).nonzero().squeeze(1), places.Predicted);
        Assert.Equal([7, 3], places.Lengths);
    }
}
