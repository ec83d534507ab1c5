using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>Something that is measured together.</summary>
/// <param name="Names">Of its rows.</param>
/// <param name="Run">Measures it.</param>
internal sealed record BenchCase(IReadOnlyList<string> Names, Func<BenchOptions, IReadOnlyList<BenchRow>> Run);

/// <summary>The cases of <c>nextstep bench</c> by name, in the order of the table.</summary>
internal static class BenchCases
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<BenchCase> All { get; } =
    [
        //                         width layers pictures dtype         at least
        new(["head-1536"], Head("head-1536", 1536, 12, 1, ScalarType.Float32, 5)),
        new(["head-1536-bf16"], Head("head-1536-bf16", 1536, 12, 1, ScalarType.BFloat16, 11)),
        new(["head-1024-b1"], Head("head-1024-b1", 1024, 6, 1, ScalarType.Float32, 5)),
        new(["head-1024-b4"], Head("head-1024-b4", 1024, 6, 4, ScalarType.Float32, 3.5)),
        new(["picture"], o => [PictureCase.Run("picture", o)]),
        new(["decode"], o => [DecodeCase.Run("decode", ScalarType.Float32, o)]),
        new(["decode-bf16"], o => [DecodeCase.Run("decode-bf16", ScalarType.BFloat16, o)]),
        new(["decode-14b", "decode-14b-bf16", "decode-14b-int8", "decode-14b-int4"], o => QuantizedCase.Decode("decode-14b", "decode-14b-bf16", "decode-14b-int8", "decode-14b-int4", o)),
        new(["head-1536-int8", "head-1536-int4"], o => QuantizedCase.Head("head-1536-int8", "head-1536-int4", o)),
        new(["step-micro"], o => [StepCase.Micro("step-micro", o)]),
        new(["step-shipped"], o => [StepCase.Shipped("step-shipped", o)]),
        new(["step-autoencoder"], o => [AutoencoderCase.Run("step-autoencoder", o)]),
        new(["step-autoencoder-stem"], o => [AutoencoderCase.Stem("step-autoencoder-stem", o)]),
        new(["muon"], o => [MuonCase.Run("muon", o)]),
        new(["training", "optimizer"], TrainingCase.Run),
    ];

    private static Func<BenchOptions, IReadOnlyList<BenchRow>> Head(string name, int width, int layers, int pictures, ScalarType dtype, double target) =>
        o => [HeadCase.Run(name, width, layers, pictures, dtype, target, o)];
}
