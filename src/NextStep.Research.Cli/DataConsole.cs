using NextStep.Research.Experiments;

namespace NextStep.Research.Cli;

/// <summary>Says on the error stream what sources did not use, so that it stands beside every output and inside of none.</summary>
internal static class DataConsole
{
    /// <summary>A line for every reason; nothing where everything is used.</summary>
    public static void Show(DataReport report)
    {
        foreach (string line in report.Lines)
        {
            Console.Error.WriteLine(line);
        }
    }

    /// <summary>Of pictures read from files.</summary>
    public static void Show(PictureSet set)
    {
        foreach (UnusedFiles unused in SourceReport.Group(set.Skipped))
        {
            Console.Error.WriteLine(SourceReport.Line(unused));
        }
    }

    /// <summary>What the cells of a run folder that are still to do read, looked at on this machine.</summary>
    public static void ShowOpen(RunFolder folder, Plan plan)
    {
        (string, ResearchConfig)[] open = [.. plan.Cells.Where(c => !folder.IsDone(c)).DistinctBy(c => c.Arm).Select(c => (c.Arm, CellConfigs.Read(folder, c, StandardStages.All)))];
        if (open.Length > 0)
        {
            Show(DataReport.Of(open));
        }
    }
}
