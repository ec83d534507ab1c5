using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace NextStep.Research;

/// <summary>Where a training stands, besides its tensors.</summary>
/// <param name="Images">Images seen.</param>
/// <param name="LastLine">The newest line of the metrics, or null before the first.</param>
/// <param name="LastLog">Images seen when it was written.</param>
/// <param name="Sums">Of the metrics since then, by name.</param>
/// <param name="Counts">What to divide the sums by.</param>
internal sealed record TrainingProgress(
    long Images, string? LastLine, long LastLog, IReadOnlyDictionary<string, double> Sums, IReadOnlyDictionary<string, double> Counts)
{
    public static TrainingProgress Start { get; } = new(0, null, 0, new Dictionary<string, double>(), new Dictionary<string, double>());
}

/// <summary>
/// The checkpoints of one training, the newest two: <c>state-IMAGES.safetensors</c>, each with its SHA-256 beside it in the form that
/// <c>sha256sum -c</c> reads. One without a checksum was never finished; one that does not fit it is damaged, and the one before it is used.
/// </summary>
internal sealed class TrainingCheckpoints(string folder, Action<string>? note = null)
{
    private const string Pattern = "state-*.safetensors", Checksum = ".sha256";
    private const int Kept = 2;

    /// <summary>Writes a checkpoint and, once it is whole on the disk, removes those it replaces.</summary>
    public void Save(FusedOptimizer optimizer, TrainingProgress progress)
    {
        Directory.CreateDirectory(folder);
        string file = FileOf(progress.Images);
        File.Delete(file + Checksum); // of a damaged one of the same name
        Write(file, optimizer, progress);
        WriteChecksum(file);
        foreach (string old in Newest().Skip(Kept))
        {
            File.Delete(old + Checksum);
            File.Delete(old);
        }
    }

    /// <summary>Copies the newest whole checkpoint into <paramref name="optimizer"/>; the start when there is none.</summary>
    public TrainingProgress Restore(FusedOptimizer optimizer)
    {
        foreach (string file in Newest())
        {
            if (Fault(file) is { } fault)
            {
                note?.Invoke($"{file} {fault}; going on from the checkpoint before it");
                File.Delete(file + Checksum);
                File.Delete(file);
                continue;
            }
            return Read(file, optimizer);
        }
        return TrainingProgress.Start;
    }

    /// <summary>The newest that fits its checksum; null when there is none.</summary>
    public string? NewestWhole() => Newest().FirstOrDefault(f => Fault(f) is null);

    /// <summary>The state, as <see cref="Read"/> takes it, under any name.</summary>
    public static void Write(string file, FusedOptimizer optimizer, TrainingProgress progress) => SafetensorsFile.Write(file, optimizer.State(), new Dictionary<string, string>
    {
        ["images"] = progress.Images.ToString(CultureInfo.InvariantCulture),
        ["steps"] = optimizer.Steps.ToString(CultureInfo.InvariantCulture),
        ["threads"] = CpuThreads.Current.ToString(CultureInfo.InvariantCulture),
        ["products"] = MatrixProducts.Path,
        ["progress"] = JsonSerializer.Serialize(progress),
    });

    /// <summary>How many images the newest checkpoint has seen; null when there is none.</summary>
    public long? NewestImages => Newest().FirstOrDefault() is { } file ? Images(file) : null;

    /// <summary>Makes a copy of a written state the newest checkpoint.</summary>
    public void Adopt(string state)
    {
        using SafetensorsFile saved = SafetensorsFile.Open(state);
        string file = FileOf(Progress(saved).Images);
        AtomicFile.Write(file, target =>
        {
            using FileStream source = File.OpenRead(state);
            source.CopyTo(target);
        });
        WriteChecksum(file);
    }

    private TrainingProgress Read(string file, FusedOptimizer optimizer)
    {
        using SafetensorsFile saved = SafetensorsFile.Open(file);
        TrainingProgress progress = Progress(saved);
        if (!long.TryParse(saved.Metadata.GetValueOrDefault("steps"), CultureInfo.InvariantCulture, out long steps))
        {
            throw new InvalidDataException($"{file} does not say how many steps were taken; delete it to start this stage anew.");
        }
        optimizer.Restore(
            name => saved.Entries.ContainsKey(name) ? saved.Read(name) : throw new InvalidDataException($"{file} lacks the tensor {name}; delete it to start this stage anew."), steps);
        if (saved.Metadata.GetValueOrDefault("threads") is { } threads && threads != CpuThreads.Current.ToString(CultureInfo.InvariantCulture))
        {
            note?.Invoke($"{file} was computed with {threads} CPU threads and goes on with {CpuThreads.Current}: the bits will not be those of a run left alone");
        }
        if (saved.Metadata.GetValueOrDefault("products") is { } products && products != MatrixProducts.Path)
        {
            note?.Invoke($"{file} was computed with matrix products by {products} and goes on with {MatrixProducts.Path}: the bits will not be those of a run left alone");
        }
        return progress;
    }

    private static TrainingProgress Progress(SafetensorsFile saved)
    {
        try
        {
            return JsonSerializer.Deserialize<TrainingProgress>(saved.Metadata.GetValueOrDefault("progress") ?? "null") ?? throw new JsonException("it is absent");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{saved.Path} does not say how far the training was ({e.Message}); delete it to start this stage anew.", e);
        }
    }

    private string FileOf(long images) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"state-{images:D12}.safetensors"));

    private static void WriteChecksum(string file) => AtomicFile.WriteText(file + Checksum, $"{Hash(file)}  {Path.GetFileName(file)}\n");

    private IEnumerable<string> Newest() => !Directory.Exists(folder) ? [] : Directory.GetFiles(folder, Pattern)
        .Where(f => File.Exists(f + Checksum) && Images(f) is not null)
        .OrderByDescending(Images);

    private static long? Images(string file) =>
        long.TryParse(Path.GetFileNameWithoutExtension(file)["state-".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out long images) ? images : null;

    private static string? Fault(string file) =>
        new FileInfo(file + Checksum).Length > 1024 || !File.ReadAllText(file + Checksum).StartsWith(Hash(file) + " ", StringComparison.Ordinal) ? "is damaged: it does not fit its checksum" : null;

    private static string Hash(string file)
    {
        using FileStream stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
