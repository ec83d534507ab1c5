using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Convolutions that are right. On the CPU the oneDNN in libtorch 2.10 lays channels in blocks of 16 and reads the rest of an incomplete block, which nobody has
/// written: in 3×3 convolutions the result is wrong for more than eight input channels that are no multiple of 16, and the gradient of the input where
/// the output channels are none (the decoder's three colours) or, at stride 2, where the input has an odd number of blocks beyond the first. Here such channels are filled
/// up with zeros first. 1×1 kernels and other devices are not concerned.
/// </summary>
internal static class Convolution
{
    private const long Block = 16, Few = 8; // inputs of up to eight channels take another way, which sets all that it reads

    static Convolution() => TorchContext.LeaveNnpack();

    /// <summary>What <paramref name="layer"/> gives for <paramref name="x"/>, [n, input, h, w].</summary>
    public static Tensor Forward(Conv2d layer, Tensor x) => Of(x, layer.weight!, layer.bias, layer.stride!, layer.padding!);

    /// <summary>The convolution of <paramref name="x"/>, [n, input, h, w], with <paramref name="weight"/>, [output, input, rows, columns].</summary>
    public static Tensor Of(Tensor x, Tensor weight, Tensor? bias, long[] strides, long[] padding)
    {
        long outputs = weight.size(0), inputs = weight.size(1);
        bool strided = strides[0] > 1;
        long moreInputs = inputs <= Few ? 0 : Missing(inputs, strided && inputs > Block ? 2 * Block : Block), moreOutputs = is_grad_enabled() ? Missing(outputs, Block) : 0;
        if (x.device_type != DeviceType.CPU || weight.size(2) == 1 || moreInputs + moreOutputs == 0)
        {
            return nn.functional.conv2d(x, weight, bias, strides, padding);
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor filled = moreInputs == 0 ? x : nn.functional.pad(x, [0, 0, 0, 0, 0, moreInputs]);
        Tensor kernel = nn.functional.pad(weight, [0, 0, 0, 0, 0, moreInputs, 0, moreOutputs]);
        Tensor? more = bias is null ? null : nn.functional.pad(bias, [0, moreOutputs]);
        return nn.functional.conv2d(filled, kernel, more, strides, padding).narrow(1, 0, outputs).MoveToOuterDisposeScope();
    }

    /// <summary>Every channel of <paramref name="x"/>, [n, c, h, w], by its own kernel of <paramref name="kernels"/>, [c, 1, rows, columns], at places where it fits; without gradients.</summary>
    public static Tensor EachChannel(Tensor x, Tensor kernels) => nn.functional.conv2d(x, kernels, groups: x.size(1));

    private static long Missing(long channels, long block) => (block - (channels % block)) % block;
}
