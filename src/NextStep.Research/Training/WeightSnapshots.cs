using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The averaged weights on the way, <c>snapshots/average-IMAGES.safetensors</c> of a training's folder: what it would have ended with there, but for the schedule.</summary>
internal static class WeightSnapshots
{
    private const string Folder = "snapshots", Start = "average-";

    /// <summary>Writes one if a wanted number of images lies above <paramref name="before"/> and not above <paramref name="images"/>.</summary>
    public static void Write(string directory, IReadOnlyList<long> wanted, long before, long images, FusedOptimizer optimizer)
    {
        if (wanted.Any(w => w > before && w <= images))
        {
            SafetensorsFile.Write(Path.Combine(directory, Folder, string.Create(CultureInfo.InvariantCulture, $"{Start}{images:D12}.safetensors")), optimizer.Averages(), new Dictionary<string, string>());
        }
    }

    /// <summary>Images and files, rising.</summary>
    public static IReadOnlyList<(long Images, string File)> Of(string directory)
    {
        string folder = Path.Combine(directory, Folder);
        return !Directory.Exists(folder) ? [] : [.. Directory.EnumerateFiles(folder, Start + "*.safetensors")
            .Select(f => (long.Parse(Path.GetFileNameWithoutExtension(f)[Start.Length..], CultureInfo.InvariantCulture), f)).OrderBy(f => f.Item1)];
    }

    /// <summary>Copies a file's weights into a module of the same names and shapes.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, or lacks a weight.</exception>
    public static void Load(string file, nn.Module module)
    {
        using IDisposable guard = no_grad();
        using SafetensorsFile saved = SafetensorsFile.Open(file);
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in module.named_parameters())
        {
            using DisposeScope scope = NewDisposeScope();
            parameter.copy_(saved.Read(name));
        }
    }

    /// <summary>Takes over those of an earlier, shorter training.</summary>
    public static void Adopt(string earlier, string directory)
    {
        foreach ((_, string file) in Of(earlier))
        {
            Directory.CreateDirectory(Path.Combine(directory, Folder));
            File.Copy(file, Path.Combine(directory, Folder, Path.GetFileName(file)), overwrite: true);
        }
    }
}
