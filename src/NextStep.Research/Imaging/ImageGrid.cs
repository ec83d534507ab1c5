using TorchSharp;

namespace NextStep.Research;

/// <summary>Contact sheets: pictures in rows, enlarged by whole pixels, with captions below them if wanted.</summary>
public static class ImageGrid
{
    private const int CaptionLines = 3;

    /// <summary>Lays pictures out row by row: float32 [3, H, W] in [−1, 1]. The caller disposes.</summary>
    /// <param name="images">[n, 3, h, w] in [−1, 1].</param>
    /// <param name="columns">Pictures per row.</param>
    /// <param name="padding">Pixels around each picture, after enlarging.</param>
    /// <param name="background">Value of the space between, −1 black … 1 white.</param>
    /// <param name="enlarge">Each pixel becomes this many squared, unsmoothed.</param>
    /// <param name="captions">One per picture, wrapped to three lines in a built-in font; null for none.</param>
    public static torch.Tensor Make(torch.Tensor images, int columns, int padding = 2, double background = 1, int enlarge = 1, IReadOnlyList<string>? captions = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        ArgumentOutOfRangeException.ThrowIfNegative(padding);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(enlarge);
        if (images.dim() != 4 || images.size(1) != 3 || images.size(0) == 0)
        {
            throw new ArgumentException($"A grid wants [n, 3, h, w] with n at least 1, not [{string.Join(", ", images.shape)}].", nameof(images));
        }
        int count = (int)images.size(0);
        if (captions is not null && captions.Count != count)
        {
            throw new ArgumentException($"{captions.Count} captions do not go with {count} pictures.", nameof(captions));
        }
        using var scope = torch.NewDisposeScope();
        torch.Tensor large = images.detach().to(torch.float32).cpu().repeat_interleave(enlarge, 2).repeat_interleave(enlarge, 3);
        int height = (int)large.size(2);
        int width = (int)large.size(3);
        int text = captions is null ? 0 : (CaptionLines * BitmapFont.LineHeight) + 2;
        int across = Math.Min(columns, count);
        int rows = (count + across - 1) / across;
        int cellWidth = width + (2 * padding);
        int cellHeight = height + (2 * padding) + text;
        torch.Tensor sheet = torch.full([3, rows * cellHeight, across * cellWidth], Scalars.Of(background), torch.float32);
        for (int i = 0; i < count; i++)
        {
            int top = (i / across * cellHeight) + padding;
            int left = (i % across * cellWidth) + padding;
            sheet.narrow(1, top, height).narrow(2, left, width).copy_(large[i]);
            if (captions is not null)
            {
                float[] strip = Strip(captions[i], text, width, (float)background, background > 0 ? -1f : 1f);
                sheet.narrow(1, top + height, text).narrow(2, left, width).copy_(torch.tensor(strip, [1, text, width]));
            }
        }
        return sheet.MoveToOuterDisposeScope();
    }

    /// <summary>The caption as one channel of [height, width], row by row.</summary>
    private static float[] Strip(string caption, int height, int width, float ground, float ink)
    {
        float[] strip = new float[height * width];
        Array.Fill(strip, ground);
        string[] lines = BitmapFont.Wrap(caption, Math.Max(1, (width + 1) / BitmapFont.Advance), CaptionLines);
        for (int line = 0; line < lines.Length; line++)
        {
            for (int letter = 0; letter < lines[line].Length; letter++)
            {
                for (int dot = 0; dot < BitmapFont.Width * BitmapFont.Height; dot++)
                {
                    int x = (letter * BitmapFont.Advance) + (dot % BitmapFont.Width);
                    int y = 2 + (line * BitmapFont.LineHeight) + (dot / BitmapFont.Width);
                    if (x < width && BitmapFont.HasInk(lines[line][letter], dot % BitmapFont.Width, dot / BitmapFont.Width))
                    {
                        strip[(y * width) + x] = ink;
                    }
                }
            }
        }
        return strip;
    }
}
