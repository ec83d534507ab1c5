using System.ComponentModel.DataAnnotations;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// An entry of <c>training.autoencoder.losses</c>: what a reconstruction costs. A loss of one's own is a record that derives from this, with its
/// options as <c>init</c> properties, and a <see cref="PictureLoss"/> that it builds; its name in files is that of its type in kebab-case
/// without <c>Loss</c>.
/// </summary>
public abstract record LossConfig : ComponentConfig
{
    /// <summary>Factor in the sum.</summary>
    [Range(0.0, 1e4)]
    public double Weight { get; init; } = 1;

    /// <summary>Builds it for one training. The trainer disposes it.</summary>
    /// <param name="device">Where the pictures are; networks that the loss needs belong there too.</param>
    public abstract PictureLoss Build(Device device);
}

/// <summary>A term of the autoencoder's loss.</summary>
public abstract class PictureLoss : IDisposable
{
    /// <summary>A scalar, differentiable in <paramref name="reconstruction"/>; called in a dispose scope. The weight is the trainer's.</summary>
    /// <param name="reconstruction">[n, 3, H, W] around [−1, 1], float32.</param>
    /// <param name="picture">What it should be, [n, 3, H, W] in [−1, 1].</param>
    public abstract Tensor Of(Tensor reconstruction, Tensor picture);

    /// <summary>Frees what it holds.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what it holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>Mean squared error.</summary>
public sealed record SquaredLoss : LossConfig
{
    /// <inheritdoc/>
    public override PictureLoss Build(Device device) => new ErrorLoss(error => error.Squared().mean());
}

/// <summary>Mean absolute error.</summary>
public sealed record AbsoluteLoss : LossConfig
{
    /// <inheritdoc/>
    public override PictureLoss Build(Device device) => new ErrorLoss(error => error.abs().mean());
}

/// <summary>Mean absolute error of horizontal and vertical pixel differences, which keeps edges sharp.</summary>
public sealed record GradientLoss : LossConfig
{
    /// <inheritdoc/>
    public override PictureLoss Build(Device device) => new ErrorLoss(error => error.diff(1, 3).abs().mean().Plus(error.diff(1, 2).abs().mean()).Times(0.5));
}

/// <summary>A loss of the difference alone.</summary>
internal sealed class ErrorLoss(Func<Tensor, Tensor> of) : PictureLoss
{
    public override Tensor Of(Tensor reconstruction, Tensor picture) => of(reconstruction.sub(picture));
}
