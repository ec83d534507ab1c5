using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <content>Untrained models in the released layout.</content>
public static partial class ReleasedFolder
{
    /// <summary>
    /// Writes the folder of an untrained model with the weights that training would start from, tensor by tensor: <paramref name="model"/> may be on the meta device and
    /// larger than the memory. For trying a machine before the real weights are there.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="model">Gives names, shapes and dtype.</param>
    /// <param name="autoencoder">With its weights.</param>
    /// <param name="tokenizer">Of the folder.</param>
    /// <param name="imageSize">Side of its pictures in pixels.</param>
    /// <param name="sampling">How it draws.</param>
    /// <param name="seed">Of the weights.</param>
    /// <param name="quantization">Of the matrices of transformer and head: <c>int8:32</c>, <c>int4:128</c> and the like, with groups of 32, 64 or 128; null = none.</param>
    /// <param name="progress">Called after each tensor with the bytes written so far and in all.</param>
    /// <exception cref="ArgumentException">There is no such quantization.</exception>
    public static void SaveUntrained(
        string folder, NextStepModel model, ImageAutoencoder autoencoder, TextTokenizer tokenizer, int imageSize, SamplingConfig sampling, long seed = 0, string? quantization = null,
        Action<long, long>? progress = null)
    {
        WeightScheme? scheme = quantization is null ? null : WeightScheme.Parse(quantization)
            ?? throw new ArgumentException($"There is no quantization '{quantization}'; use int8:GROUP or int4:GROUP with groups of 32, 64 or 128.", nameof(quantization));
        ScalarType dtype = model.Transformer.Dtype;
        IReadOnlyList<OutgoingTensor> tensors = [.. model.named_parameters().Select(p => new OutgoingTensor(p.name, dtype, p.parameter.shape, () =>
        {
            using Tensor first = Initialization.First(p.name, p.parameter.shape, seed);
            return first.to(dtype).alias();
        }))];
        tensors = scheme is null ? tensors : QuantizedWeights.Quantized(tensors, scheme, folder);
        long done = 0, total = tensors.Sum(t => t.ByteLength);
        tensors = progress is null ? tensors : [.. tensors.Select(t => t with
        {
            Open = () =>
            {
                Tensor opened = t.Open();
                progress(done += t.ByteLength, total);
                return opened;
            },
        })];
        Save(folder, tensors, model.Config, autoencoder, tokenizer, imageSize, sampling, scheme);
    }
}
