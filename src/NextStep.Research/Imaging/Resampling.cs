using System.Runtime.InteropServices;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Advanced;
using SixLabors.ImageSharp.Memory;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;

namespace NextStep.Research;

/// <summary>
/// Lanczos-3 resampling by ImageSharp, widened by the reduction factor so that shrinking does not alias: Pillow's definition, which the field's scores rest on.
/// In one thread, because pictures are read by several.
/// </summary>
internal static class Resampling
{
    private static readonly float[] Levels = [.. Enumerable.Range(0, 256).Select(v => (v / 127.5f) - 1f)];

    /// <summary>ImageSharp's settings here: one thread, and no more memory for one picture than the largest that is read takes.</summary>
    public static Configuration Sequential { get; } = Settings();

    /// <summary>
    /// The largest square that is centred in the upright picture, still as stored, in 8 bits like Pillow's: values [3, size, size] in [−1, 1] into <paramref name="pixels"/>.
    /// Alpha is laid on white before.
    /// </summary>
    public static void Square(RawPicture picture, int size, Span<float> pixels)
    {
        int side = Math.Min(picture.Width, picture.Height);
        (int left, int top) = Corner(picture, side);
        picture.LayOnWhite(left, top, side, side);
        if (side == size)
        {
            for (int y = 0; y < size; y++)
            {
                Planes(picture.Row(top + y).Slice(4 * left, 4 * size), pixels[(y * size)..], size * size);
            }
            return;
        }
        using Image<Rgba32> whole = picture.Wrap(Sequential);
        using Image<Rgba32> square = whole.Clone(c => c.Crop(new Rectangle(left, top, side, side)).Resize(new ResizeOptions { Size = new Size(size), Mode = ResizeMode.Stretch, Sampler = KnownResamplers.Lanczos3, PremultiplyAlpha = false }));
        for (int y = 0; y < size; y++)
        {
            Planes(MemoryMarshal.AsBytes(square.DangerousGetPixelRowMemory(y).Span), pixels[(y * size)..], size * size);
        }
    }

    /// <summary>One row of RGBA without alpha into a row of each of three planes, <paramref name="plane"/> values apart.</summary>
    public static void Planes(ReadOnlySpan<byte> rgba, Span<float> planes, int plane)
    {
        for (int x = 0; x < rgba.Length / 4; x++)
        {
            for (int c = 0; c < 3; c++)
            {
                planes[(c * plane) + x] = Levels[rgba[(4 * x) + c]];
            }
        }
    }

    /// <summary>Resamples planes [n, h, w] to [n, height, width] without rounding, three at a time; values may overshoot.</summary>
    public static void Planes(ReadOnlySpan<float> from, int h, int w, Span<float> to, int height, int width)
    {
        int planes = from.Length / (h * w);
        for (int first = 0; first < planes; first += 3)
        {
            int count = Math.Min(3, planes - first);
            using Image<RgbaVector> image = new(Sequential, w, h);
            for (int y = 0; y < h; y++)
            {
                Span<float> row = MemoryMarshal.Cast<RgbaVector, float>(image.DangerousGetPixelRowMemory(y).Span);
                for (int x = 0; x < w; x++)
                {
                    for (int c = 0; c < 3; c++)
                    {
                        row[(4 * x) + c] = c < count ? from[((first + c) * h * w) + (y * w) + x] : 0;
                    }
                    row[(4 * x) + 3] = 1;
                }
            }
            image.Mutate(c => c.Resize(width, height, KnownResamplers.Lanczos3));
            for (int y = 0; y < height; y++)
            {
                ReadOnlySpan<float> row = MemoryMarshal.Cast<RgbaVector, float>(image.DangerousGetPixelRowMemory(y).Span);
                for (int x = 0; x < width; x++)
                {
                    for (int c = 0; c < count; c++)
                    {
                        to[((first + c) * height * width) + (y * width) + x] = row[(4 * x) + c];
                    }
                }
            }
        }
    }

    // Where the square that is centred in the upright picture lies in the stored one.
    private static (int Left, int Top) Corner(RawPicture picture, int side)
    {
        (int w, int h) = (picture.Width, picture.Height);
        bool exchanged = picture.Orientation >= 5;
        int x = ((exchanged ? h : w) - side) / 2, y = ((exchanged ? w : h) - side) / 2;
        return picture.Orientation switch
        {
            2 => (w - side - x, y),
            3 => (w - side - x, h - side - y),
            4 => (x, h - side - y),
            5 => (y, x),
            6 => (y, h - side - x),
            7 => (w - side - y, h - side - x),
            8 => (w - side - y, x),
            _ => (x, y),
        };
    }

    private static Configuration Settings()
    {
        Configuration settings = new();
        settings.MaxDegreeOfParallelism = 1;
        settings.MemoryAllocator = MemoryAllocator.Create(new MemoryAllocatorOptions { AllocationLimitMegabytes = (int)(ImageFile.MaximumPixels * 16 >> 20) + 1 });
        return settings;
    }
}
