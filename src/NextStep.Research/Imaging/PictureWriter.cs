using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing.Processors.Quantization;
using TorchSharp;

namespace NextStep.Research;

/// <summary>Pictures to files, by ImageSharp: PNG with texts, JPEG, WebP, animated GIF. The same pixels give the same bytes.</summary>
internal static class PictureWriter
{
    private const int JpegQuality = 95, Delay = 8, LastDelay = 200;

    /// <summary>What is written by the ending of the name.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".png", ".jpg", ".jpeg", ".webp"];

    /// <summary>An 8-bit PNG file with texts in it, as <see cref="PngTexts"/> reads them.</summary>
    /// <param name="pixels">[3, H, W] in [−1, 1]; what lies outside is clamped.</param>
    /// <param name="texts">Keyword (1 to 79 Latin letters) and text; null = none.</param>
    public static byte[] Png(torch.Tensor pixels, IReadOnlyDictionary<string, string>? texts)
    {
        using Image<Rgb24> image = Image(pixels);
        PngMetadata metadata = image.Metadata.GetPngMetadata();
        foreach ((string keyword, string text) in texts ?? new Dictionary<string, string>())
        {
            metadata.TextData.Add(new PngTextData(keyword, text, "en", ""));
        }
        // A text of any length stays readable without unpacking.
        return Bytes(image, new PngEncoder { ColorType = PngColorType.Rgb, BitDepth = PngBitDepth.Bit8, CompressionLevel = PngCompressionLevel.Level6, TextCompressionThreshold = int.MaxValue });
    }

    /// <summary>A file of the kind that <paramref name="extension"/> says: PNG; JPEG of quality 95 without chroma subsampling; WebP without loss. Texts go into PNG alone.</summary>
    /// <exception cref="NotSupportedException">None of <see cref="Extensions"/>.</exception>
    public static byte[] Encode(torch.Tensor pixels, string extension, IReadOnlyDictionary<string, string>? texts)
    {
        if (Is(extension, ".png"))
        {
            return Png(pixels, texts);
        }
        IImageEncoder encoder = Is(extension, ".jpg") || Is(extension, ".jpeg") ? new JpegEncoder { Quality = JpegQuality, ColorType = JpegColorType.YCbCrRatio444 }
            : Is(extension, ".webp") ? new WebpEncoder { FileFormat = WebpFileFormatType.Lossless }
            : throw new NotSupportedException($"Pictures are written as {string.Join(", ", Extensions)}, not as '{extension}'.");
        using Image<Rgb24> image = Image(pixels);
        return Bytes(image, encoder);
    }

    /// <summary>A GIF that runs once through pictures of one size, 80 ms each and the last for two seconds; each has a palette of its own.</summary>
    /// <param name="frames">At least one of [3, H, W] in [−1, 1].</param>
    public static byte[] Gif(IReadOnlyList<torch.Tensor> frames)
    {
        using Image<Rgb24> animation = Image(frames[0]);
        foreach (torch.Tensor pixels in frames.Skip(1))
        {
            using Image<Rgb24> frame = Image(pixels);
            animation.Frames.AddFrame(frame.Frames.RootFrame);
        }
        animation.Metadata.GetGifMetadata().RepeatCount = 1;
        for (int i = 0; i < animation.Frames.Count; i++)
        {
            animation.Frames[i].Metadata.GetGifMetadata().FrameDelay = i == frames.Count - 1 ? LastDelay : Delay;
        }
        return Bytes(animation, new GifEncoder { ColorTableMode = GifColorTableMode.Local, Quantizer = new WuQuantizer(new QuantizerOptions { Dither = null }) });
    }

    private static Image<Rgb24> Image(torch.Tensor pixels)
    {
        if (pixels.dim() != 3 || pixels.size(0) != 3 || pixels.numel() == 0)
        {
            throw new ArgumentException($"A picture is [3, height, width], not [{string.Join(", ", pixels.shape)}].", nameof(pixels));
        }
        using DisposeScope scope = torch.NewDisposeScope();
        if (pixels.isnan().any().item<bool>())
        {
            throw new InvalidDataException("A picture to be written holds pixels that are no numbers (NaN).");
        }
        torch.Tensor interleaved = ImageFile.ToBytes(pixels).permute(1, 2, 0).contiguous();
        return SixLabors.ImageSharp.Image.LoadPixelData<Rgb24>(Resampling.Sequential, interleaved.bytes, (int)pixels.size(2), (int)pixels.size(1));
    }

    private static byte[] Bytes(Image<Rgb24> image, IImageEncoder encoder)
    {
        using MemoryStream stream = new();
        image.Save(stream, encoder);
        return stream.ToArray();
    }

    private static bool Is(string extension, string known) => extension.Equals(known, StringComparison.OrdinalIgnoreCase);
}
