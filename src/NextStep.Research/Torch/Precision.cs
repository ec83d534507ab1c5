namespace NextStep.Research;

/// <summary>Number formats that models run in.</summary>
public enum Precision
{
    /// <summary>IEEE single.</summary>
    Float32,

    /// <summary>bfloat16.</summary>
    BFloat16,

    /// <summary>IEEE half.</summary>
    Float16,
}

/// <summary>Conversions of <see cref="Precision"/>.</summary>
internal static class PrecisionExtensions
{
    /// <summary>The tensor type.</summary>
    public static TorchSharp.torch.ScalarType ToScalarType(this Precision precision) => precision switch
    {
        Precision.BFloat16 => TorchSharp.torch.ScalarType.BFloat16,
        Precision.Float16 => TorchSharp.torch.ScalarType.Float16,
        _ => TorchSharp.torch.ScalarType.Float32,
    };
}
