using System.Text.Json;
using System.Text.Json.Serialization;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>Reads a run folder as the report needs it. Only <c>plan.json</c> must be whole.</summary>
internal static class RunReader
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.AllowReadingFromString | JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static RunResults Read(string runFolder)
    {
        if (!Directory.Exists(runFolder))
        {
            throw new DirectoryNotFoundException($"There is no run folder '{runFolder}'.");
        }

        RunResults plan = PlanReader.Read(runFolder);
        var notes = new List<string>();
        CellRun[] cells = [.. plan.Cells.Select(c => Cell(runFolder, c, notes))];
        return plan with { Cells = cells, Notes = notes };
    }

    private static CellRun Cell(string runFolder, CellRun cell, List<string> notes)
    {
        string name = $"cells/{cell.Key}";
        string folder = Path.Combine(runFolder, "cells", cell.Key);
        CellResult? result = Read<CellResult>(Path.Combine(folder, "result.json"), $"{name}/result.json", notes);
        var log = MetricsLog.Read(Path.Combine(folder, "metrics.jsonl"), $"{name}/metrics.jsonl", notes);
        if (result is not null)
        {
            return cell with { State = CellState.Finished, Result = result, Log = log, Pictures = Pictures(folder, name, result, notes) };
        }

        string failureFile = Path.Combine(folder, "failure.json");
        if (!File.Exists(failureFile))
        {
            return cell with { State = CellState.Unfinished, Log = log };
        }

        Dictionary<string, JsonElement>? failure = Read<Dictionary<string, JsonElement>>(failureFile, $"{name}/failure.json", notes);
        return cell with
        {
            State = CellState.Failed,
            Log = log,
            Failure = failure?.ToDictionary(f => f.Key, f => f.Value.ToString()) ?? new() { ["message"] = "failure.json could not be read" },
        };
    }

    private static Dictionary<string, Picture> Pictures(string folder, string name, CellResult result, List<string> notes)
    {
        var pictures = new Dictionary<string, Picture>();
        string inside = Path.GetFullPath(folder) + Path.DirectorySeparatorChar;
        foreach ((string role, string file) in result.Pictures.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            string path = Path.GetFullPath(Path.Combine(folder, file));
            if (!path.StartsWith(inside, StringComparison.Ordinal))
            {
                notes.Add($"{name}/result.json names the picture '{file}', which is outside of the cell's folder; it is not shown.");
            }
            else if (Picture.Read(path, $"{name}/{file}", notes) is { } picture)
            {
                pictures[role] = picture;
            }
        }

        return pictures;
    }

    private static T? Read<T>(string path, string shownAs, List<string> notes) where T : class
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            using FileStream stream = File.OpenRead(path);
            return JsonSerializer.Deserialize<T>(stream, Json) ?? throw new JsonException("it holds null");
        }
        catch (JsonException error)
        {
            notes.Add($"{shownAs} is damaged and is left out: {error.Message}");
            return null;
        }
    }
}
