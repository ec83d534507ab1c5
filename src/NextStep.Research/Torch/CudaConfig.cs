using TorchSharp;

namespace NextStep.Research;

/// <summary>The <c>cuda</c> node: how NVIDIA GPUs compute. Without a meaning on the CPU.</summary>
public sealed record CudaConfig
{
    /// <summary>
    /// Matrix products and convolutions of float32 in TF32 (10 bits of mantissa instead of 23): several times faster, other numbers. Off, as for results that are
    /// compared; libtorch's own default has it on for convolutions.
    /// </summary>
    public bool Tf32 { get; init; }

    /// <summary>
    /// Ask libtorch for algorithms that give the same bits every time, slower where there is a choice; where it has none it says so on standard error and goes on.
    /// </summary>
    public bool Deterministic { get; init; } = true;

    /// <summary>Makes them hold in this process from now on.</summary>
    public void Apply()
    {
        torch.backends.cuda.matmul.allow_tf32 = Tf32;
        torch.backends.cudnn.allow_tf32 = Tf32;
        TorchContext.SetDeterministic(Deterministic);
    }

    /// <summary>As <see cref="Apply"/>, where a list of device names has a GPU.</summary>
    public void ApplyOn(string devices)
    {
        if (Devices.Parse(devices).Any(d => d.type == DeviceType.CUDA))
        {
            Apply();
        }
    }

    /// <summary>For people and records: <c>TF32 off, deterministic</c>.</summary>
    public override string ToString() => $"TF32 {(Tf32 ? "on" : "off")}, {(Deterministic ? "deterministic" : "fastest algorithms")}";
}
