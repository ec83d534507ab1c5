namespace NextStep.Research;

/// <summary>What was found out about a file once.</summary>
/// <param name="Sha256">Of its bytes, lower-case hexadecimal.</param>
/// <param name="Width">Of a picture, upright; else 0.</param>
/// <param name="Height">Of a picture, upright; else 0.</param>
/// <param name="Problem">Why the picture cannot be used; null where it can.</param>
internal sealed record FileFacts(string Sha256, int Width, int Height, string? Problem)
{
    /// <summary>The bytes of a small caption file; null of all others.</summary>
    public byte[]? Content { get; init; }
}
