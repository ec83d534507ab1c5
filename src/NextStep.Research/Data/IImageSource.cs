using TorchSharp;

namespace NextStep.Research;

/// <summary>One captioned picture. Pixels: float32 [3, size, size] in [−1, 1]; the holder disposes.</summary>
public sealed record CaptionedImage(torch.Tensor Pixels, string Caption, string Id) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Pixels.Dispose();
}

/// <summary>A picture that could not be used, by name, and why. Counted and shown, never silently dropped.</summary>
public sealed record UnreadablePicture(string File, string Reason);

/// <summary>Captioned pictures by index; what an index holds never changes for a given configuration and seed.</summary>
public interface IImageSource : IDisposable
{
    /// <summary>For people: <c>shapes 32 px, train</c>.</summary>
    string Name { get; }

    /// <summary>How many pictures this split holds.</summary>
    int Count { get; }

    /// <summary>The caption alone, without decoding the picture.</summary>
    string Caption(int index);

    /// <summary>A stable name of the picture (file name, code points, scene number), for error messages.</summary>
    string Id(int index);

    /// <summary>Decodes or renders one picture. Safe to call from several threads.</summary>
    CaptionedImage Load(int index);

    /// <summary>What was left out, found when the source was opened.</summary>
    IReadOnlyList<UnreadablePicture> Unreadable { get; }

    /// <summary>What else a person should know, for instance that <c>data.images</c> cut the set; found when the source was opened.</summary>
    IReadOnlyList<string> Notes => [];
}
