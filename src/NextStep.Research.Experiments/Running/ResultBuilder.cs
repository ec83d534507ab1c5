namespace NextStep.Research.Experiments;

/// <summary>Gathers what the stages left (<c>summary.json</c>, <c>pictures.json</c>, <c>prompts.json</c>, <c>identities.json</c>, <c>curves.json</c>, <c>outcomes.json</c>, <c>metrics.jsonl</c>, <c>model/</c>) into a cell's folder and result.</summary>
internal sealed class ResultBuilder(RunFolder folder, PlannedCell cell, SamplingConfig sampling)
{
    public CellResult Build()
    {
        Dictionary<string, double> metrics = [];
        Dictionary<string, string> pictures = [];
        IReadOnlyList<string> prompts = [];
        Dictionary<string, double> seconds = [];
        Dictionary<string, int> threads = [];
        SortedSet<string> products = new(StringComparer.Ordinal);
        Dictionary<string, string> identities = [];
        Dictionary<string, Curve> curves = [];
        Dictionary<string, PictureOutcomes> outcomes = [];
        Dictionary<string, string> code = [];
        foreach (PlannedStage stage in cell.Stages)
        {
            string source = folder.Stage(stage);
            StageRecord? record = RunFolder.Read<StageRecord>(Path.Combine(source, StageRecord.FileName));
            code[stage.Kind] = record?.Code ?? "";
            if (record?.Cell == cell.Key)
            {
                seconds[stage.Kind] = record.Seconds;
            }
            if (record?.Threads is { } count)
            {
                threads[stage.Kind] = count;
            }
            if (record?.Products is { } path)
            {
                products.Add(path);
            }
            foreach ((string name, double value) in RunFolder.Read<Dictionary<string, double>>(Path.Combine(source, "summary.json")) ?? [])
            {
                metrics[name] = value;
            }
            foreach ((string role, string file) in RunFolder.Read<Dictionary<string, string>>(Path.Combine(source, "pictures.json")) ?? [])
            {
                pictures[role] = role + Path.GetExtension(file);
                HardLink.Make(Path.Combine(source, file), Path.Combine(folder.Cell(cell), pictures[role]));
            }
            foreach ((string name, string identity) in RunFolder.Read<Dictionary<string, string>>(Path.Combine(source, "identities.json")) ?? [])
            {
                identities[name] = identity;
            }
            foreach ((string name, Curve curve) in RunFolder.Read<Dictionary<string, Curve>>(Path.Combine(source, Curve.FileName)) ?? [])
            {
                curves[name] = curve;
            }
            foreach ((string name, PictureOutcomes of) in RunFolder.Read<Dictionary<string, PictureOutcomes>>(Path.Combine(source, PictureOutcomes.FileName)) ?? [])
            {
                outcomes[name] = of;
            }
            prompts = RunFolder.Read<string[]>(Path.Combine(source, "prompts.json")) ?? prompts;
            string model = Path.Combine(source, "model");
            if (Directory.Exists(model))
            {
                string checkpoint = Path.Combine(folder.Cell(cell), "checkpoint");
                LinkFolder(model, checkpoint);
                ReleasedFolder.SaveSampling(checkpoint, sampling); // the weights are shared by cells that draw differently
            }
        }
        JoinLogs();
        if (curves.Count > 0)
        {
            RunFolder.Write(Path.Combine(folder.Cell(cell), Curve.FileName), curves);
        }
        return new CellResult
        {
            Cell = cell.Key,
            Arm = cell.Arm,
            Seed = cell.Seed,
            Metrics = metrics,
            Stages = cell.Stages.ToDictionary(s => s.Kind, s => s.Folder),
            Pictures = pictures,
            Prompts = prompts,
            Outcomes = outcomes,
            Seconds = seconds,
            Threads = threads,
            Provenance = products.Count == 0 ? [] : new Dictionary<string, string> { ["products"] = string.Join(" and ", products) },
            Identities = identities,
            Code = code,
        };
    }

    private void JoinLogs() => AtomicFile.Write(Path.Combine(folder.Cell(cell), "metrics.jsonl"), joined =>
    {
        foreach (string log in cell.Stages.Select(s => Path.Combine(folder.Stage(s), "metrics.jsonl")).Where(File.Exists))
        {
            using FileStream source = File.OpenRead(log);
            source.CopyTo(joined);
        }
    });

    private static void LinkFolder(string source, string target)
    {
        if (Directory.Exists(target))
        {
            Directory.Delete(target, true); // of an attempt that never reached result.json
        }
        foreach (string file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            HardLink.Make(file, Path.Combine(target, Path.GetRelativePath(source, file)));
        }
    }
}
