using TorchSharp;

namespace NextStep.Research;

/// <summary>Pictures of one size read from files, in the order of their names.</summary>
/// <param name="Pixels">float32 [n, 3, H, W] in [−1, 1].</param>
/// <param name="Names">One per picture.</param>
/// <param name="Skipped">What could not be read; empty unless the caller allowed it.</param>
internal sealed record PictureSet(torch.Tensor Pixels, IReadOnlyList<string> Names, IReadOnlyList<UnreadablePicture> Skipped) : IDisposable
{
    private const int Listed = 3;
    private const double MostOfMemory = 0.7;

    /// <summary>
    /// Reads files, and folders at any depth: links are followed, each file is read once, hidden ones never. All heads are looked at first, then one
    /// picture after the other is decoded. The holder disposes.
    /// </summary>
    /// <param name="paths">Picture files and folders.</param>
    /// <param name="size">Side to which every picture is cropped and resampled (Lanczos-3); null = as stored, all of one size.</param>
    /// <param name="skipBroken">Leave out what cannot be read instead of refusing the set.</param>
    /// <param name="progress">Called with the number read and the number of files.</param>
    /// <exception cref="InvalidDataException">No pictures, broken ones, pictures of several sizes or more than the memory holds; the message names files.</exception>
    public static PictureSet Load(IReadOnlyList<string> paths, int? size = null, bool skipBroken = false, Action<int, int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        List<UnreadablePicture> broken = [];
        List<Found> found = [.. paths.SelectMany(p => Files(p, broken))];
        int total = found.Count + broken.Count;
        if (total == 0)
        {
            throw new InvalidDataException($"There are no pictures in {string.Join(", ", paths)}; looked for {string.Join(", ", ImageFile.Extensions)}.");
        }
        if (broken.Count > 0 && !skipBroken)
        {
            throw new InvalidDataException($"{broken.Count} of {total} pictures cannot be read: {string.Join("; ", broken.Take(Listed).Select(b => $"{b.File} {b.Reason}"))}{(broken.Count > Listed ? " …" : "")}.");
        }
        if (found.Count == 0)
        {
            throw new InvalidDataException($"None of the {total} pictures in {string.Join(", ", paths)} can be read: {broken[0].File} {broken[0].Reason}.");
        }
        (int height, int width) = size is { } side ? (side, side) : OneSize(found);
        CheckMemory(found.Count, height, width);
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor pixels = torch.empty([found.Count, 3, height, width], torch.float32);
        for (int i = 0; i < found.Count; i++)
        {
            using torch.Tensor picture = size is { } to ? ImageFile.LoadSquare(found[i].Path, to) : ImageFile.Load(found[i].Path);
            using torch.Tensor place = pixels[i];
            place.copy_(picture);
            progress?.Invoke(i + 1, found.Count);
        }
        return new PictureSet(pixels.DetachFromDisposeScope(), [.. found.Select(f => f.Name)], broken);
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

    private static Found[] Files(string path, List<UnreadablePicture> broken)
    {
        string absolute = DataPath.Absolute(path);
        bool single = File.Exists(absolute);
        if (!single && !Directory.Exists(absolute))
        {
            throw new FileNotFoundException($"There is no picture or folder '{path}'.", path);
        }
        FolderFiles? below = single ? null : FolderFiles.Of(absolute);
        broken.AddRange(below?.Unread.Where(u => u.Reason != FolderFiles.ReadAlready).Select(u => u with { File = Path.Combine(path, u.File) }) ?? []);
        FileInfo one = new(single ? DataPath.Real(absolute) : absolute);
        FolderFile[] files = below is null
            ? [new FolderFile(path, one.FullName, one.Length, one.LastWriteTimeUtc)]
            : [.. below.Files.Where(f => ImageFile.HasImageExtension(f.Name) || ImageFile.HasUnreadExtension(f.Name)).Select(f => f with { Name = Path.Combine(path, f.Name) })];
        FileIndex index = FileIndex.Of(single ? Path.GetDirectoryName(absolute)! : absolute);
        FileFacts[] facts = index.Facts(files, f => ImageFile.HasUnreadExtension(f.Name) ? new FileFacts("", 0, 0, "is in a format that is not read: convert it to PNG or JPEG") : SourceFiles.LookAtPicture(f));
        index.Save();
        broken.AddRange(files.Zip(facts).Where(f => f.Second.Problem is not null).Select(f => new UnreadablePicture(f.First.Name, f.Second.Problem!)));
        return [.. files.Zip(facts).Where(f => f.Second.Problem is null).Select(f => new Found(f.First.Name, f.First.Path, f.Second.Height, f.Second.Width))];
    }

    private static (int Height, int Width) OneSize(List<Found> found)
    {
        var sizes = found.GroupBy(f => $"{f.Width}x{f.Height}").OrderByDescending(g => g.Count()).ToArray();
        return sizes.Length == 1 ? (found[0].Height, found[0].Width) : throw new InvalidDataException(
            $"The pictures have {sizes.Length} sizes: {string.Join(", ", sizes.Take(Listed).Select(g => $"{g.Count()} of {g.Key} ({g.First().Name})"))}{(sizes.Length > Listed ? " …" : "")}; bring them to one size first.");
    }

    private static void CheckMemory(int count, int height, int width)
    {
        (double needed, double there) = (12.0 * count * height * width, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        if (needed > there * MostOfMemory)
        {
            throw new InvalidDataException(string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"{count} pictures of {width}x{height} pixels take {needed / (1 << 30):0.0} GB as numbers, of {there / (1 << 30):0.0} GB of memory: bring them to a smaller size (--resize), or take fewer."));
        }
    }

    private sealed record Found(string Name, string Path, int Height, int Width);
}
