namespace NextStep.Research;

/// <summary>One training sequence: ids, and what the language head should predict (−100 = nothing).</summary>
public sealed record TrainingSequence(int[] Ids, int[] Labels);

/// <summary>How text and image tokens are laid out in one sequence (spec §5.2–5.4, §7.4).</summary>
public sealed class SequenceLayout(TextTokenizer tokenizer)
{
    /// <summary>Marks positions that the text loss skips.</summary>
    public const int Ignored = -100;

    private readonly SpecialTokens _special = tokenizer.Special;

    /// <summary><c>&lt;|image_area|&gt;h*w&lt;|begin_of_image|&gt;</c>: what precedes the first image token; h and w in tokens.</summary>
    public int[] ImagePrefix(int rows, int columns) =>
        [_special.ImageArea, .. tokenizer.Encode($"{rows}*{columns}"), _special.BeginOfImage];

    /// <summary>The prefix, a placeholder per image token, <c>&lt;|end_of_image|&gt;</c>.</summary>
    public int[] Image(int rows, int columns) =>
        [.. ImagePrefix(rows, columns), .. Enumerable.Repeat(_special.ImagePlaceholder, rows * columns), _special.EndOfImage];

    /// <summary>Ids of a caption, with the tokenizer's beginning-of-text token where it has one.</summary>
    public int[] Text(string caption) =>
        _special.BeginOfText is { } begin ? [begin, .. tokenizer.Encode(caption)] : tokenizer.Encode(caption);

    /// <summary>What generation starts from: caption, then the image prefix. No chat template, no end of text.</summary>
    public int[] Prompt(string caption, int rows, int columns) => [.. Text(caption), .. ImagePrefix(rows, columns)];

    /// <summary>
    /// An image-text pair: caption, image, end of text; or, image first, image, caption, end of text, which trains the unconditional
    /// branch of guidance. Labels are the ids, except on begin-of-image, on placeholders, and on an end of text right behind an image.
    /// </summary>
    public TrainingSequence Pair(string caption, int rows, int columns, bool imageFirst)
    {
        int[] text = Text(caption), image = Image(rows, columns);
        int[] ids = imageFirst ? [.. image, .. text, _special.EndOfText] : [.. text, .. image, _special.EndOfText];
        int[] labels = [.. ids.Select((id, i) =>
            id == _special.BeginOfImage || id == _special.ImagePlaceholder || (id == _special.EndOfText && i > 0 && ids[i - 1] == _special.EndOfImage) ? Ignored : id)];
        return new TrainingSequence(ids, labels);
    }
}
