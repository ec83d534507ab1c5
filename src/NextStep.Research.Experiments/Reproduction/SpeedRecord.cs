namespace NextStep.Research.Experiments;

/// <summary>One record of a speedrun: an arm of its experiment file, run beside the baseline and kept in <c>results/NAME/ARM.json</c>.</summary>
/// <param name="File">The experiment file and where the numbers are kept; its name is the arm's.</param>
/// <param name="Experiment">The baseline and the arm, nothing else.</param>
internal sealed record SpeedRecord(ClaimFile File, Experiment Experiment)
{
    /// <summary>Without letters that a file system minds.</summary>
    public string FolderName => Path.GetFileNameWithoutExtension(File.Results);

    /// <summary>The records of an experiment file, the oldest first.</summary>
    /// <exception cref="ConfigException">The file is wrong, seeks no time, or has no arms or two whose files would be one.</exception>
    public static IReadOnlyList<SpeedRecord> All(string file, bool smoke)
    {
        Experiment whole = smoke ? ExperimentFile.LoadSmoke(file) : ExperimentFile.Load(file);
        string folder = Path.Combine(Path.GetDirectoryName(file) ?? "", "results", whole.Name);
        SpeedRecord[] records = [.. whole.Arms.Skip(1).Select(a => new SpeedRecord(
            new ClaimFile(a.Name, file, Path.Combine(folder, Slug(a.Name) + ".json"), ""), whole with { Arms = [whole.Arms[0], a] }))];
        List<ConfigError> errors = [];
        if (whole.Arms.FirstOrDefault(a => a.Config.Evaluation.AlignmentTarget is null) is { } untimed)
        {
            errors.Add(new ConfigError(file, 0, "evaluation.alignmentTarget", $"is not set in arm '{untimed.Name}', so that no time is measured; a speedrun's target is for instance 0.7"));
        }
        if (records.Length == 0)
        {
            errors.Add(new ConfigError(file, 0, "arms", "has none: a record is an arm beside the baseline, for instance arms: { muon: { training.model.optimizer: muon } }"));
        }
        errors.AddRange(records.GroupBy(r => r.FolderName).Where(g => g.Count() > 1)
            .Select(g => new ConfigError(file, 0, "arms", $"{string.Join(" and ", g.Select(r => $"'{r.File.Name}'"))} would be kept in one file, {g.Key}.json; rename one")));
        return errors.Count > 0 ? throw new ConfigException(errors) : records;
    }

    /// <summary>Numbers of a finished run folder, as they are kept.</summary>
    /// <exception cref="InvalidDataException">A cell has not ended, or a file is damaged.</exception>
    public ClaimResults Measured(RunFolder folder) => ResultExport.Of(File, Experiment, folder, command: ShellText.Line("nextstep", "speedrun", File.Name));

    /// <summary>The kept numbers, and what is wrong with them, each with the file's name; null where there are none, or they cannot be trusted.</summary>
    public (ClaimResults? Kept, IReadOnlyList<string> Faults) Read()
    {
        try
        {
            if (ClaimResults.Read(File.Results) is not { } kept)
            {
                return (null, []);
            }
            string[] faults = [.. ResultFaults.OfCells(kept, File, Experiment).Select(f => $"{File.Results}: {f}")];
            return faults.Length > 0 ? (null, faults) : (kept, []);
        }
        catch (InvalidDataException e)
        {
            return (null, [e.Message]);
        }
    }

    private static string Slug(string name) => string.Concat(name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' ? c : '-')).Trim('-', '.');
}
