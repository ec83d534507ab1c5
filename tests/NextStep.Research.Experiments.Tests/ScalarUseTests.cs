using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments.Tests;

/// <summary>The rule of <see cref="Scalars"/>, read from the code of our assemblies.</summary>
public sealed class ScalarUseTests
{
    [Theory]
    [InlineData("NextStep.Research")]
    [InlineData("NextStep.Research.Experiments")]
    [InlineData("NextStep.Research.Reports")]
    [InlineData("NextStep.Research.Notebooks")]
    [InlineData("nextstep")]
    public void No_number_of_ours_can_be_freed_during_a_call(string assembly)
    {
        IReadOnlyList<ScalarUse> uses = ScalarUse.In(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"));
        Assert.True(uses.Count == 0, "Write x.Plus(y), x.Times(0.5), x.clamp(Scalars.Of(0), Scalars.Of(1)), … (see Scalars):\n" + string.Join('\n', uses));
    }

    [Fact]
    public void Every_way_to_make_one_is_found_with_method_and_line()
    {
        ScalarUse[] uses = [.. ScalarUse.In(typeof(Samples).Assembly.Location).Where(u => u.Method.Contains(".Samples.", StringComparison.Ordinal))];
        string[] expected =
        [
            "Tensor.op_Multiply", "Tensor.op_Addition", "Tensor.add", "Tensor.add_", "Tensor.square", "Scalar.op_Implicit", "Scalar.op_Implicit",
            "torch.arange", "nn.functional.leaky_relu", "nn.LeakyReLU", "optim.SGD", "jit.CompilationUnit.invoke", "Scalar.op_Implicit",
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), uses.Select(u => u.Member.Split('(')[0]).Order(StringComparer.Ordinal));
        Assert.All(uses, u => Assert.EndsWith("ScalarUseTests.cs", u.File, StringComparison.Ordinal));
        Assert.All(uses, u => Assert.InRange(u.Line, Samples.First, Samples.Last));
        Assert.Contains(uses, u => u.ToString().Contains("Samples", StringComparison.Ordinal) && u.ToString().Contains($"({Samples.First + 2})", StringComparison.Ordinal));
        Assert.Equal(uses.Length, uses.Select(u => (u.Line, u.Member)).Distinct().Count() + 1); // clamp has two
    }

    // Never called: only its code is read.
    private static class Samples
    {
        public static int First { get; } = Here();

        public static Tensor Product(Tensor x) => x * 0.5f;

        public static Tensor Sum(Tensor x, Tensor y) => x + y;

        public static Tensor Hidden(Tensor x, Tensor y) => x.add(y);

        public static Tensor InPlace(Tensor x, Tensor y) => x.add_(y);

        public static Tensor Square(Tensor x) => x.square();

        public static Tensor Clamp(Tensor x) => x.clamp(0, 1);

        public static Func<long, Tensor> Range() => n => arange(n);

        public static Tensor Leaky(Tensor x) => nn.functional.leaky_relu(x, 0.1);

        public static TorchSharp.Modules.LeakyReLU Module() => nn.LeakyReLU(0.1);

        public static TorchSharp.Modules.SGD Optimizer(nn.Module module) => optim.SGD(module.parameters(), 0.1);

        public static object Compiled(jit.CompilationUnit unit, Tensor x) => unit.invoke("f", x);

        public static int Last { get; } = Here();

        private static int Here([CallerLineNumber] int line = 0) => line;
    }
}
