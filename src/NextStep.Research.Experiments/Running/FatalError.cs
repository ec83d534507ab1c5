namespace NextStep.Research.Experiments;

/// <summary>Tells errors of one cell from those that stop every cell.</summary>
internal static class FatalError
{
    /// <summary>With a full or read-only disk no cell can go on, and none is to blame.</summary>
    public static bool Is(Exception e, RunFolder folder)
    {
        if (e is StepException { InnerException: { } inner })
        {
            e = inner;
        }
        if (e is not (IOException or UnauthorizedAccessException) || e is FileNotFoundException or DirectoryNotFoundException or EndOfStreamException)
        {
            return false;
        }
        string probe = Path.Combine(folder.Path, $".probe-{Guid.NewGuid():N}");
        try
        {
            File.WriteAllBytes(probe, new byte[1 << 16]);
            return false;
        }
        catch (Exception probed) when (probed is IOException or UnauthorizedAccessException)
        {
            return true;
        }
        finally
        {
            if (File.Exists(probe))
            {
                File.Delete(probe);
            }
        }
    }
}

/// <summary>The end of a stage's <c>metrics.jsonl</c>, for failures.</summary>
internal static class LogTail
{
    private const int Lines = 20;

    public static IReadOnlyList<string> Of(string stageFolder)
    {
        string log = Path.Combine(stageFolder, "metrics.jsonl");
        return File.Exists(log) ? [.. File.ReadLines(log).TakeLast(Lines)] : [];
    }
}
