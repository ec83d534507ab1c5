using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Torch;

public sealed class MatrixProductsTests
{
    /// <summary>Rows, inner width, columns of the steps that the shipped experiments take, two rows of a decode step, and widths that no vector divides.</summary>
    public static TheoryData<int, int, int> Shapes => new() { { 960, 96, 384 }, { 480, 384, 96 }, { 16, 256, 1024 }, { 2, 256, 1024 }, { 37, 53, 19 } };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_linear_layer_and_both_its_gradients_are_as_exact_as_float32(int rows, int inner, int columns)
    {
        MatrixProducts.Settle();
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = Streams.For(5, "products");
        Tensor x = randn([rows, inner], generator: generator), w = randn([columns, inner], generator: generator), b = randn([columns], generator: generator), g = randn([rows, columns], generator: generator);
        Tensor[] found = Of(x, w, b, g), exact = Of(x.to(float64), w.to(float64), b.to(float64), g.to(float64)), sizes = Of(x.abs().to(float64), w.abs().to(float64), b.abs().to(float64), g.abs().to(float64));
        foreach ((Tensor one, Tensor truth, Tensor size) in found.Zip(exact, sizes))
        {
            // 6e-8 is the last bit of float32, 4e-3 of bfloat16: what libtorch calls this switch.
            Assert.InRange(one.to(float64).sub(truth).abs().div(size).max().item<double>(), 0, 1e-6);
        }
    }

    [Fact]
    public void The_number_of_threads_does_not_change_a_product()
    {
        using Generator generator = Streams.For(6, "products");
        Tensor x = randn([960, 96], generator: generator), w = randn([384, 96], generator: generator);
        Tensor[] products = [.. new[] { 1, 2, 3 }.Select(n =>
        {
            using CpuThreads? threads = CpuThreads.Use(n);
            return x.matmul(w.t());
        })];
        Assert.All(products, p => Assert.True(p.equal(products[0]).all().item<bool>()));
    }

    [Fact]
    public void Processors_with_512_bits_and_no_tiles_that_are_not_Intels_use_oneDNN()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Avx512F.IsSupported && File.ReadAllText("/proc/cpuinfo").Contains("AuthenticAMD", StringComparison.Ordinal), "this processor is another one");
        Assert.SkipWhen(Environment.GetEnvironmentVariable(MatrixProducts.Variable) is not null, "the environment chooses");
        Assert.Equal("oneDNN", MatrixProducts.Path);
    }

    private static Tensor[] Of(Tensor x, Tensor w, Tensor b, Tensor g) => [nn.functional.linear(x, w, b), g.mm(w), g.t().mm(x)];
}
