namespace NextStep.Research.Experiments;

/// <summary>How the pictures of <c>samples.png</c>, and of the heat maps that are laid over it, stand on the sheet: row by row in the order of the prompts.</summary>
internal static class SampleSheet
{
    /// <summary>Pixels around each picture, after enlarging.</summary>
    public const int Padding = 2;

    private const int MostColumns = 8;

    /// <summary>Pictures per row of a sheet of <paramref name="count"/> pictures.</summary>
    public static int Columns(int count) => Math.Clamp(count, 1, MostColumns);
}
