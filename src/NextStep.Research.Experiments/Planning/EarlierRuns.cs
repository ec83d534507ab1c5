namespace NextStep.Research.Experiments;

/// <summary>What stages took earlier on machines like this one: in the run folder itself and in those beside it.</summary>
internal static class EarlierRuns
{
    private const int MostFolders = 30;
    private const int MostPerFolder = 8;
    private const int MostPerKind = 40;

    /// <summary>Timings of the kinds; damaged and foreign files are passed over, an estimate can do without them.</summary>
    public static IReadOnlyList<StageTiming> Read(RunFolder folder, IReadOnlyList<StageDefinition> stages)
    {
        string whole = Path.GetFullPath(folder.Path);
        DirectoryInfo? parent = Directory.GetParent(whole);
        IEnumerable<string> beside = parent is { Exists: true }
            ? parent.EnumerateDirectories().Where(d => d.FullName != whole && File.Exists(Path.Combine(d.FullName, "plan.json"))).OrderByDescending(d => d.LastWriteTimeUtc).Select(d => d.FullName)
            : [];
        string[] folders = [.. beside.Prepend(whole).Where(Directory.Exists).Take(MostFolders)];
        Dictionary<string, ResearchConfig> configs = [];
        return [.. stages.SelectMany(stage => folders.SelectMany(f => Places(f, stage).Select(p => Timing(f, p, stage, configs)).OfType<StageTiming>().Take(MostPerFolder)).Take(MostPerKind))];
    }

    private static IEnumerable<string> Places(string folder, StageDefinition stage)
    {
        string place = Path.Combine(folder, stage.Shared ? "stages" : "cells");
        return !Directory.Exists(place) ? []
            : stage.Shared ? Directory.EnumerateDirectories(place, stage.Kind + "-*").Where(d => !d.EndsWith(".partial", StringComparison.Ordinal))
            : Directory.EnumerateDirectories(place).Select(cell => Path.Combine(cell, stage.Kind)).Where(Directory.Exists);
    }

    private static StageTiming? Timing(string folder, string place, StageDefinition stage, Dictionary<string, ResearchConfig> configs)
    {
        try
        {
            StageRecord? record = RunFolder.Read<StageRecord>(Path.Combine(place, StageRecord.FileName));
            if (record is not { Cell.Length: > 0 } || record.Machine != Provenance.Processor)
            {
                return null;
            }
            string file = Path.Combine(folder, "cells", record.Cell, "config.yaml");
            ResearchConfig config = configs.TryGetValue(file, out ResearchConfig? known) ? known : configs[file] = ConfigYaml.Load(file);
            double bytes = new DirectoryInfo(place).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => (double)f.Length);
            double amount = StageTiming.Amount(stage, config) ?? 0;
            return amount > 0
                ? new StageTiming(stage.Kind, config, 0, record.Seconds / amount, bytes, 0)
                : new StageTiming(stage.Kind, config, record.Seconds, 0, bytes, 0);
        }
        catch (Exception e) when (e is InvalidDataException or ConfigException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
