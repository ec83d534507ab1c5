namespace NextStep.Research.Experiments;

/// <summary>A component file in a plan.</summary>
/// <param name="File">The copy, relative to the run folder.</param>
/// <param name="Hash">Of its content.</param>
/// <param name="From">The file that it was copied from.</param>
public sealed record PlannedUse(string File, string Hash, string From)
{
    /// <summary>The copy of a file: its name in a folder named after its hash, so that versions lie side by side.</summary>
    public static PlannedUse Of(UsedFile used)
    {
        ArgumentNullException.ThrowIfNull(used);
        return new PlannedUse($"uses/{used.Hash}/{Path.GetFileName(used.File)}", used.Hash, used.File);
    }
}

/// <summary>The components of a run folder: copies of what the sweep was begun with, never run without a person's word.</summary>
internal static class RunComponents
{
    /// <summary>Copies what an experiment uses into its run folder.</summary>
    public static void Write(RunFolder folder, Experiment experiment)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(experiment);
        foreach (UsedFile used in experiment.Uses)
        {
            string copy = Path.Combine(folder.Path, PlannedUse.Of(used).File);
            if (!File.Exists(copy))
            {
                AtomicFile.Write(copy, stream => stream.Write(used.Content.Span));
            }
        }
    }

    /// <summary>Whether copies in run folders may be run: a person's word, <c>--trust</c>.</summary>
    public static bool Trusted { get; set; }

    /// <summary>Brings the components of a plan in; what was brought in already, by <see cref="UsedComponents"/>, stands for a copy of the same content.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="plan">Its plan.</param>
    /// <exception cref="InvalidOperationException">The folder has components that nobody vouches for; the message says which, where they lie and what to do.</exception>
    /// <exception cref="InvalidDataException">A copy is not what the sweep was begun with.</exception>
    /// <exception cref="ConfigException">A file does not compile.</exception>
    public static void Open(RunFolder folder, Plan plan)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(plan);
        PlannedUse[] open = [.. plan.Uses.Where(u => !ComponentCatalog.Has(u.Hash))];
        if (open.Length > 0 && !Trusted)
        {
            throw new InvalidOperationException($"{folder.Path} has components of its own: {string.Join(", ", open.Select(u => Path.Combine(folder.Path, u.File)))}. "
                + "Their code is run only with --trust, or with --uses FILE of the same content.");
        }
        foreach (PlannedUse use in open)
        {
            string copy = Path.Combine(folder.Path, use.File);
            if (File.Exists(copy) && ComponentSource.HashOf(File.ReadAllBytes(copy)) != use.Hash)
            {
                throw new InvalidDataException($"{copy} is not what the sweep was begun with: its content has changed");
            }
            UsedComponents.Use(copy);
        }
    }

    /// <summary>As <see cref="Open"/>, for a cell's or stage's folder: the run folder is looked for above it. Nothing where there is none.</summary>
    public static void OpenAbove(string folder)
    {
        DirectoryInfo? place = new(Path.GetFullPath(folder));
        for (int i = 0; i < 5 && place is not null; i++, place = place.Parent)
        {
            RunFolder run = new(place.FullName);
            if (File.Exists(Path.Combine(run.Path, "plan.json")) && run.ReadPlan() is { } plan)
            {
                Open(run, plan);
                return;
            }
        }
    }
}
