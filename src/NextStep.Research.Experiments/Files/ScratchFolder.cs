namespace NextStep.Research.Experiments;

/// <summary>A folder among the system's temporary ones that is gone afterwards.</summary>
internal sealed class ScratchFolder(string prefix) : IDisposable
{
    /// <summary>Where it is.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory(prefix).FullName;

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What happened in it, perhaps an exception on its way, is worth more than a temporary folder that stays behind.
            Console.Error.WriteLine($"{Path} could not be removed: {e.Message}");
        }
    }
}
