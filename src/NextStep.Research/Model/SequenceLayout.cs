namespace NextStep.Research;

/// <summary>One training sequence: ids, and what the language head should predict (−100 = nothing).</summary>
public sealed record TrainingSequence(int[] Ids, int[] Labels);

/// <summary>What a training sequence leaves out, so that the branches of guidance are trained too.</summary>
public enum DroppedCondition
{
    /// <summary>Nothing.</summary>
    Nothing,

    /// <summary>The caption or instruction.</summary>
    Text,

    /// <summary>The instruction and the source picture of an edit; of a pair, the caption.</summary>
    TextAndImage,
}

/// <summary>How text and image tokens are laid out in one sequence (spec §5.2–5.4, §7.4).</summary>
public sealed class SequenceLayout(TextTokenizer tokenizer, EditLayout edits = EditLayout.SourceFirst, TokenSteps? steps = null)
{
    /// <summary>Marks positions that the text loss skips.</summary>
    public const int Ignored = -100;

    /// <summary>The marker of an input picture in a prompt.</summary>
    public const string ImageMarker = "<image>";

    /// <summary>Which image tokens a placeholder stands for.</summary>
    public TokenSteps Steps { get; } = steps ?? new();

    private readonly SpecialTokens _special = tokenizer.Special;

    /// <summary>The prompt of an edit: the instruction with a marker for each of <paramref name="images"/> source pictures where <paramref name="edits"/> has it.</summary>
    public static string EditPrompt(string instruction, EditLayout edits, int images = 1)
    {
        string markers = string.Concat(Enumerable.Repeat(ImageMarker, images));
        return edits == EditLayout.SourceFirst ? markers + instruction : instruction + markers;
    }

    /// <summary><c>&lt;|image_area|&gt;h*w&lt;|begin_of_image|&gt;</c>: what precedes the first image token; h and w in tokens.</summary>
    public int[] ImagePrefix(int rows, int columns) =>
        [_special.ImageArea, .. tokenizer.Encode($"{rows}*{columns}"), _special.BeginOfImage];

    /// <summary>The prefix, a placeholder for every step of image tokens, <c>&lt;|end_of_image|&gt;</c>.</summary>
    public int[] Image(int rows, int columns) =>
        [.. ImagePrefix(rows, columns), .. Enumerable.Repeat(_special.ImagePlaceholder, rows * columns / Steps.Tokens), _special.EndOfImage];

    /// <summary>Ids of a caption, with the tokenizer's beginning-of-text token where it has one.</summary>
    public int[] Text(string caption) =>
        _special.BeginOfText is { } begin ? [begin, .. tokenizer.Encode(caption)] : tokenizer.Encode(caption);

    /// <summary>A prompt whose markers <c>&lt;image&gt;</c> became pictures, one of <paramref name="images"/> (rows and columns of tokens) each (spec §5.2, §5.6).</summary>
    /// <exception cref="ArgumentException">There are not as many pictures as markers.</exception>
    public int[] Text(string prompt, IReadOnlyList<(int Rows, int Columns)> images)
    {
        string[] parts = prompt.Split(ImageMarker);
        if (parts.Length - 1 != images.Count)
        {
            throw new ArgumentException($"The prompt holds {parts.Length - 1} markers {ImageMarker} for {images.Count} pictures: \"{prompt}\".", nameof(images));
        }
        IEnumerable<int> rest = images.SelectMany((image, i) => (int[])[.. Image(image.Rows, image.Columns), .. tokenizer.Encode(parts[i + 1])]);
        return [.. Text(parts[0]), .. rest];
    }

    /// <summary>What generation starts from: caption, then the image prefix. No chat template, no end of text.</summary>
    public int[] Prompt(string caption, int rows, int columns) => [.. Text(caption), .. ImagePrefix(rows, columns)];

    /// <summary>
    /// An image-text pair: caption, image, end of text; or, image first, image, caption, end of text, which trains the unconditional
    /// branch of guidance (spec §7.4).
    /// </summary>
    public TrainingSequence Pair(string caption, int rows, int columns, bool imageFirst)
    {
        int[] text = Text(caption), image = Image(rows, columns);
        return Labelled(imageFirst ? [.. image, .. text, _special.EndOfText] : [.. text, .. image, _special.EndOfText]);
    }

    /// <summary>
    /// An edit: source and instruction in the layout's order, result, end of text, all that precedes the result exactly as in generation (spec §5.6). Without the
    /// instruction it trains the middle branch of editing's guidance, without the source too the last one.
    /// </summary>
    public TrainingSequence Edit(string instruction, int rows, int columns, DroppedCondition dropped = DroppedCondition.Nothing)
    {
        int[] before = dropped == DroppedCondition.TextAndImage
            ? Text("")
            : Text(EditPrompt(dropped == DroppedCondition.Text ? "" : instruction, edits), [(rows, columns)]);
        return Labelled([.. before, .. Image(rows, columns), _special.EndOfText]);
    }

    // Labels are the ids, except on begin-of-image, on placeholders, and on an end of text right behind an image.
    private TrainingSequence Labelled(int[] ids) => new(ids, [.. ids.Select((id, i) =>
        id == _special.BeginOfImage || id == _special.ImagePlaceholder || (id == _special.EndOfText && i > 0 && ids[i - 1] == _special.EndOfImage) ? Ignored : id)]);
}
