using TorchSharp;

namespace NextStep.Research;

/// <summary>Pictures of one size read from files, in the order of their names.</summary>
/// <param name="Pixels">float32 [n, 3, H, W] in [−1, 1].</param>
/// <param name="Names">One per picture.</param>
/// <param name="Skipped">What could not be read; empty unless the caller allowed it.</param>
public sealed record PictureSet(torch.Tensor Pixels, IReadOnlyList<string> Names, IReadOnlyList<UnreadablePicture> Skipped) : IDisposable
{
    private const int Listed = 3;

    /// <summary>Reads files, and folders at any depth. The holder disposes.</summary>
    /// <param name="paths">Picture files and folders.</param>
    /// <param name="size">Side to which every picture is cropped and resampled (Lanczos-3); null = as stored, all of one size.</param>
    /// <param name="skipBroken">Leave out what cannot be read instead of refusing the set.</param>
    /// <param name="progress">Called with the number read and the number of files.</param>
    /// <exception cref="InvalidDataException">No pictures, broken ones, or pictures of several sizes; the message names files.</exception>
    public static PictureSet Load(IReadOnlyList<string> paths, int? size = null, bool skipBroken = false, Action<int, int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        string[] files = [.. paths.SelectMany(Files)];
        if (files.Length == 0)
        {
            throw new InvalidDataException($"There are no pictures in {string.Join(", ", paths)}; looked for {string.Join(", ", ImageFile.Extensions)}.");
        }
        using DisposeScope scope = torch.NewDisposeScope();
        List<torch.Tensor> pictures = [];
        List<string> names = [];
        List<UnreadablePicture> broken = [];
        foreach (string file in files)
        {
            try
            {
                using torch.Tensor whole = ImageFile.Load(file);
                pictures.Add(size is { } side ? Resize.SquareResize(whole, side) : whole.alias());
                names.Add(file);
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                broken.Add(new UnreadablePicture(file, e.Message));
            }
            progress?.Invoke(names.Count + broken.Count, files.Length);
        }
        if (broken.Count > 0 && !skipBroken)
        {
            throw new InvalidDataException($"{broken.Count} of {files.Length} pictures cannot be read: {string.Join(" ", broken.Take(Listed).Select(b => b.Reason))}{(broken.Count > Listed ? " …" : "")}");
        }
        if (pictures.Count == 0)
        {
            throw new InvalidDataException($"None of the {files.Length} pictures in {string.Join(", ", paths)} can be read: {broken[0].Reason}");
        }
        CheckSizes(pictures, names);
        return new PictureSet(torch.stack(pictures.ToArray()).DetachFromDisposeScope(), names, broken);
    }

    /// <summary>That pictures are [n, 3, H, W] with n at least 1 and every pixel is a number.</summary>
    /// <exception cref="ArgumentException">Another shape.</exception>
    /// <exception cref="InvalidDataException">A pixel is no number; the message says in which picture.</exception>
    public static void Check(torch.Tensor pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.dim() != 4 || pixels.size(1) != 3 || pixels.size(0) == 0)
        {
            throw new ArgumentException($"Pictures are [n, 3, H, W] with n at least 1, not [{string.Join(", ", pixels.shape)}].", nameof(pixels));
        }
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor finite = pixels.isfinite().flatten(1).all(1);
        if (!finite.all().item<bool>())
        {
            torch.Tensor bad = finite.logical_not().nonzero();
            throw new InvalidDataException($"{bad.size(0)} of {pixels.size(0)} pictures hold pixels that are no numbers; the first is number {bad[0, 0].item<long>() + 1}.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Pixels.Dispose();

    private static IEnumerable<string> Files(string path)
    {
        if (Directory.Exists(path))
        {
            return Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(ImageFile.HasImageExtension).Order(StringComparer.Ordinal);
        }
        return File.Exists(path) ? [path] : throw new FileNotFoundException($"There is no picture or folder '{path}'.", path);
    }

    private static void CheckSizes(List<torch.Tensor> pictures, List<string> names)
    {
        var sizes = pictures.Select((p, i) => (Size: $"{p.size(2)}x{p.size(1)}", Name: names[i])).GroupBy(p => p.Size).OrderByDescending(g => g.Count()).ToArray();
        if (sizes.Length > 1)
        {
            throw new InvalidDataException(
                $"The pictures have {sizes.Length} sizes: {string.Join(", ", sizes.Take(Listed).Select(g => $"{g.Count()} of {g.Key} ({g.First().Name})"))}{(sizes.Length > Listed ? " …" : "")}; bring them to one size first.");
        }
    }
}
