namespace NextStep.Research;

/// <summary>One object that the verifier found.</summary>
/// <param name="Kind">Its shape, or null when no shape fits well enough.</param>
/// <param name="Color">Its colour.</param>
/// <param name="X">Centre from the left, in units of the picture's side.</param>
/// <param name="Y">Centre from the top, in units of the picture's side.</param>
/// <param name="Radius">Radius, in units of the picture's side.</param>
/// <param name="Residual">Share of the shape's energy that the best template leaves unexplained, noise subtracted.</param>
public sealed record ShapeDetection(ShapeKind? Kind, ShapeColor Color, double X, double Y, double Radius, double Residual);

/// <summary>Everything that was found in a picture.</summary>
/// <param name="Background">The nearest known ground.</param>
/// <param name="BackgroundDistance">How far the picture's frame is from it, RGB distance with channels in [0, 1].</param>
/// <param name="Noise">Estimated standard deviation of the pixels, channels in [0, 1].</param>
/// <param name="Objects">From the top left.</param>
public sealed record SceneDetection(SceneBackground Background, double BackgroundDistance, double Noise, IReadOnlyList<ShapeDetection> Objects);
