namespace NextStep.Research;

/// <summary>The structural tokens of the small tokenizers: ids 0 … 5 in the order of <see cref="SpecialTokens"/>, and how they are written out.</summary>
public static class SpecialTokenText
{
    /// <summary>How the tokens are written; the index is the id.</summary>
    public static IReadOnlyList<string> Written { get; } =
        ["[PAD]", "<|image_area|>", "<|begin_of_image|>", "<|end_of_image|>", "<|image_placeholder|>", "<|endoftext|>"];

    /// <summary>The same as ids.</summary>
    public static SpecialTokens Ids { get; } = new()
    {
        Pad = 0,
        ImageArea = 1,
        BeginOfImage = 2,
        EndOfImage = 3,
        ImagePlaceholder = 4,
        EndOfText = 5,
    };

    /// <summary>Cuts a text at written-out special tokens: plain pieces have id −1. Ids of other tokens begin at <c>Written.Count</c>.</summary>
    public static IEnumerable<(string Text, int Id)> Split(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('<' or '['))
            {
                continue;
            }
            int id = Written.ToList().FindIndex(w => string.CompareOrdinal(text, i, w, 0, w.Length) == 0);
            if (id >= 0)
            {
                if (i > start)
                {
                    yield return (text[start..i], -1);
                }
                yield return (Written[id], id);
                start = i + Written[id].Length;
                i = start - 1;
            }
        }
        if (start < text.Length)
        {
            yield return (text[start..], -1);
        }
    }
}
