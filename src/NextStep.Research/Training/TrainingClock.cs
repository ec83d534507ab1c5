using System.Text.Json;

namespace NextStep.Research;

/// <summary>
/// Processor seconds that a training has taken, all threads, by images seen: of the steps that led there, whatever was killed and done again in between.
/// Kept in <c>clock.json</c> of the stage, beside the states and not in them, so that two equal runs have equal states.
/// </summary>
internal sealed class TrainingClock
{
    private readonly string _file;
    private readonly SortedDictionary<long, double> _seconds;
    private readonly double _before;
    private readonly TimeSpan _start = Environment.CpuUsage.TotalTime;

    private TrainingClock(string file, SortedDictionary<long, double> seconds)
    {
        (_file, _seconds) = (file, seconds);
        _before = seconds.Count > 0 ? seconds.Values.Last() : 0;
    }

    /// <summary>Goes on at <paramref name="images"/> seen; what was noted beyond is done again and counts no more.</summary>
    public static TrainingClock GoOn(string directory, long images)
    {
        string file = FileOf(directory);
        return new TrainingClock(file, new SortedDictionary<long, double>((images > 0 && File.Exists(file) ? Read(directory) : []).Where(s => s.Key <= images).ToDictionary()));
    }

    /// <summary>Notes the time at so many images, and writes it.</summary>
    public void Mark(long images)
    {
        _seconds[images] = _before + (Environment.CpuUsage.TotalTime - _start).TotalSeconds;
        AtomicFile.WriteText(_file, JsonSerializer.Serialize(new Dictionary<string, SortedDictionary<long, double>> { ["seconds"] = _seconds }));
    }

    /// <summary>What a training in <paramref name="directory"/> has noted, rising.</summary>
    /// <exception cref="InvalidDataException">There is no such file, or it is damaged.</exception>
    public static SortedDictionary<long, double> Read(string directory)
    {
        string file = FileOf(directory);
        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, SortedDictionary<long, double>>>(File.ReadAllText(file))?.GetValueOrDefault("seconds")
                ?? throw new InvalidDataException($"{file} holds no seconds; delete the stage's folder to train it again.");
        }
        catch (Exception e) when (e is JsonException or FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidDataException($"{file} is missing or damaged, so that the time of this training is not known; delete the stage's folder to train it again. {e.Message}", e);
        }
    }

    /// <summary>Takes over what an earlier, shorter training has noted.</summary>
    public static void Adopt(string earlier, string directory)
    {
        if (File.Exists(FileOf(earlier)))
        {
            File.Copy(FileOf(earlier), FileOf(directory), overwrite: true);
        }
    }

    /// <summary>Seconds at so many images: noted ones, and between them on a straight line, from 0 at none.</summary>
    /// <param name="seconds">As <see cref="Read"/> gives them; not empty.</param>
    /// <param name="images">At most those of the last note; beyond it, its seconds.</param>
    public static double At(SortedDictionary<long, double> seconds, double images)
    {
        (double X, double Y) low = (0, 0);
        foreach ((long x, double y) in seconds)
        {
            if (x >= images)
            {
                return low.Y + ((y - low.Y) * (images - low.X) / (x - low.X));
            }
            low = (x, y);
        }
        return low.Y;
    }

    private static string FileOf(string directory) => Path.Combine(directory, "clock.json");
}
