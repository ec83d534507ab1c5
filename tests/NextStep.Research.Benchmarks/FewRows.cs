using BenchmarkDotNet.Attributes;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Benchmarks;

/// <summary>
/// A linear layer of few rows, ours against torch's. The layers take turns through more memory than any cache holds, so the weights
/// come from where they come from in a model.
/// </summary>
public class FewRows
{
    private const long CacheBytes = 128L << 20;

    private Linear[] _layers = [];
    private Tensor _x = zeros(1);
    private int _next;

    /// <summary>Guidance branches times pictures.</summary>
    [Params(1, 2, 4, 8, 16)]
    public int Rows { get; set; }

    /// <summary>Inputs and outputs.</summary>
    [Params(512, 1536)]
    public int Width { get; set; }

    /// <summary>Of weights and activations.</summary>
    [Params(ScalarType.Float32, ScalarType.BFloat16)]
    public ScalarType Dtype { get; set; }

    /// <summary>Fills memory with layers.</summary>
    [GlobalSetup]
    public void Build()
    {
        long bytes = (long)Width * Width * (Dtype == ScalarType.BFloat16 ? 2 : 4);
        _layers = [.. Enumerable.Range(0, (int)(CacheBytes / bytes)).Select(_ => nn.Linear(Width, Width, dtype: Dtype))];
        _x = randn(Rows, Width).to_type(Dtype);
    }

    /// <summary>Frees them.</summary>
    [GlobalCleanup]
    public void Free()
    {
        Array.ForEach(_layers, l => l.Dispose());
        _x.Dispose();
    }

    /// <summary>torch's product.</summary>
    [Benchmark(Baseline = true)]
    public void Torch()
    {
        using IDisposable guard = no_grad();
        Next().forward(_x).Dispose();
    }

    /// <summary>Our kernels, where they suit.</summary>
    [Benchmark]
    public void Ours()
    {
        using IDisposable guard = no_grad();
        RowLinear.Forward(Next(), _x).Dispose();
    }

    private Linear Next() => _layers[_next++ % _layers.Length];
}
