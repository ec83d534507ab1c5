using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Mean squared distance of features over places and channels, averaged over the four layers of <c>random-conv-v1</c>, whose weights are fixed: the
/// mechanism of a perceptual loss without a download. Any other differentiable network is a <see cref="LossConfig"/> of one's own.
/// </summary>
public sealed record FeatureLoss : LossConfig
{
    /// <inheritdoc/>
    public override PictureLoss Build(Device device) => new Features(device);

    private sealed class Features(Device device) : PictureLoss
    {
        private readonly RandomConvolutionNetwork _network = new(device);

        public override Tensor Of(Tensor reconstruction, Tensor picture)
        {
            Tensor[] drawn = _network.Maps(reconstruction), real = _network.Maps(picture);
            return drawn.Zip(real, (a, b) => a.sub(b).Squared().mean()).Aggregate((a, b) => a.Plus(b)).Over(drawn.Length);
        }

        protected override void Dispose(bool disposing)
        {
            _network.Dispose();
            base.Dispose(disposing);
        }
    }
}
