namespace NextStep.Research.Experiments;

/// <summary>Where the workers of a sweep compute: their number, and a device for each of them.</summary>
/// <param name="Devices">One a worker, by its number from 1; null: as configured.</param>
internal sealed record WorkerPlaces(IReadOnlyList<string?> Devices)
{
    /// <summary>How many workers.</summary>
    public int Jobs => Devices.Count;

    /// <summary>As many workers as wanted, where the cells' configurations say.</summary>
    public static WorkerPlaces AsConfigured(int jobs) => new([.. Enumerable.Repeat<string?>(null, jobs)]);

    /// <summary>Workers dealt out over devices in turn, one a device unless more are wanted; a device that stands twice gets two.</summary>
    /// <param name="devices">Names with commas between: <c>cuda:0,cuda:1</c>.</param>
    /// <param name="jobs">How many workers; null: one for every name.</param>
    /// <exception cref="FormatException">A name is no device's.</exception>
    public static WorkerPlaces Over(string devices, int? jobs)
    {
        ArgumentNullException.ThrowIfNull(devices);
        string[] names = devices.Split(',', StringSplitOptions.TrimEntries);
        try
        {
            names = [.. names.Select(NextStep.Research.Devices.Name)];
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"--devices: {e.Message}", e);
        }
        return new WorkerPlaces([.. Enumerable.Range(0, jobs ?? names.Length).Select(i => names[i % names.Length])]);
    }

    /// <summary>The device of a worker, by its number from 1.</summary>
    public string? Of(int number) => Devices[number - 1];
}
