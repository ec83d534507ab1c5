using System.Text;
using System.Text.Json;

namespace NextStep.Research.Reports;

/// <summary>One metric against progress.</summary>
/// <param name="Images">Images seen, ascending.</param>
/// <param name="Values">As many values; not finite where the log says so.</param>
internal sealed record LoggedCurve(IReadOnlyList<double> Images, IReadOnlyList<double> Values);

/// <summary>What <c>metrics.jsonl</c> of a cell holds: curves by stage and metric.</summary>
internal sealed record MetricsLog(IReadOnlyDictionary<(string Stage, string Metric), LoggedCurve> Curves)
{
    public static readonly MetricsLog Empty = new(new Dictionary<(string, string), LoggedCurve>());

    private const long LargestFile = 256L << 20;

    /// <summary>
    /// Reads files one after the other; absent ones are empty. A last line that was cut off, or a damaged one in the
    /// middle, ends up in <paramref name="notes"/>, with the file's name, and the rest is kept.
    /// </summary>
    public static MetricsLog Read(IEnumerable<(string Path, string ShownAs)> files, ICollection<string> notes)
    {
        // Keyed by progress: where a resumed stage logged a point again, the later line counts.
        var points = new Dictionary<(string, string), SortedDictionary<double, double>>();
        foreach ((string path, string shownAs) in files.Where(f => File.Exists(f.Path)))
        {
            if (new FileInfo(path).Length > LargestFile)
            {
                notes.Add($"{shownAs} is larger than {LargestFile >> 20} MB and was not read; its curves are missing.");
                continue;
            }

            Add(path, shownAs, points, notes);
        }

        return new MetricsLog(points.ToDictionary(p => p.Key, p => new LoggedCurve([.. p.Value.Keys], [.. p.Value.Values])));
    }

    private static void Add(string path, string shownAs, Dictionary<(string, string), SortedDictionary<double, double>> points, ICollection<string> notes)
    {
        string text = File.ReadAllText(path, Encoding.UTF8);
        string[] lines = text.Split('\n');
        int damaged = 0, firstDamaged = 0;
        for (int index = 0; index < lines.Length; index++)
        {
            string line = lines[index].Trim();
            if (line.Length == 0 || TryAdd(line, points))
            {
                continue;
            }

            if (index == lines.Length - 1)
            {
                notes.Add($"{shownAs}: the last line was cut off and is left out.");
            }
            else if (damaged++ == 0)
            {
                firstDamaged = index + 1;
            }
        }

        if (damaged > 0)
        {
            notes.Add($"{shownAs}: {damaged} line(s) are not metrics, the first is line {firstDamaged}; they are left out.");
        }
    }

    private static bool TryAdd(string line, Dictionary<(string, string), SortedDictionary<double, double>> points)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object
                || !root.TryGetProperty("stage", out JsonElement stage) || stage.ValueKind != JsonValueKind.String
                || !root.TryGetProperty("images", out JsonElement images) || !TryNumber(images, out double at) || !double.IsFinite(at))
            {
                return false;
            }

            foreach (JsonProperty property in root.EnumerateObject())
            {
                if (property.Name != "images" && TryNumber(property.Value, out double value))
                {
                    (string, string) key = (stage.GetString()!, property.Name);
                    if (!points.TryGetValue(key, out SortedDictionary<double, double>? curve))
                    {
                        points[key] = curve = [];
                    }

                    curve[at] = value;
                }
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // JSON has no NaN, so writers put it into quotes.
    private static bool TryNumber(JsonElement element, out double value)
    {
        value = double.NaN;
        return element.ValueKind switch
        {
            JsonValueKind.Number => element.TryGetDouble(out value),
            JsonValueKind.String => element.GetString() switch
            {
                "NaN" => true,
                "Infinity" => (value = double.PositiveInfinity) > 0,
                "-Infinity" => (value = double.NegativeInfinity) < 0,
                _ => false,
            },
            _ => false,
        };
    }
}
