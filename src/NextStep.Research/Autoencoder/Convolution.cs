using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Convolutions whose every number was written by somebody. On processors with AVX-512 the oneDNN in libtorch 2.10 lays channels in blocks of 16 and reads the rest
/// of an incomplete block without having set it: 3×3 gradients of the input where the output's channels are no multiple of 16 (the decoder's three colours),
/// and results where the input's are none. What lies there is multiplied by zero, so that nothing is seen before it happens to be a NaN. Here such channels are
/// filled up with zeros first: the same numbers, without the raw memory. (1×1 kernels are not concerned.)
/// </summary>
internal static class Convolution
{
    private const long Block = 16, Few = 8; // inputs of up to eight channels take another way, which sets all it reads

    /// <summary>What <paramref name="layer"/> gives for <paramref name="x"/>, [n, input, h, w].</summary>
    public static Tensor Forward(Conv2d layer, Tensor x)
    {
        Tensor weight = layer.weight!;
        long outputs = weight.size(0), inputs = weight.size(1);
        long moreInputs = inputs <= Few ? 0 : Missing(inputs), moreOutputs = is_grad_enabled() ? Missing(outputs) : 0;
        if (x.device_type != DeviceType.CPU || weight.size(2) == 1 || moreInputs + moreOutputs == 0)
        {
            return layer.forward(x);
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor filled = moreInputs == 0 ? x : nn.functional.pad(x, [0, 0, 0, 0, 0, moreInputs]);
        Tensor kernel = nn.functional.pad(weight, [0, 0, 0, 0, 0, moreInputs, 0, moreOutputs]);
        Tensor? bias = layer.bias is { } b ? nn.functional.pad(b, [0, moreOutputs]) : null;
        return nn.functional.conv2d(filled, kernel, bias, layer.stride, layer.padding!).narrow(1, 0, outputs).MoveToOuterDisposeScope();
    }

    private static long Missing(long channels) => (Block - (channels % Block)) % Block;
}
