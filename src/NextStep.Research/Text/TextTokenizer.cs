namespace NextStep.Research;

/// <summary>The ids of the tokens that structure a sequence (spec §6).</summary>
public sealed record SpecialTokens
{
    /// <summary><c>[PAD]</c></summary>
    public required int Pad { get; init; }

    /// <summary><c>&lt;|image_area|&gt;</c>, starts the size string "h*w".</summary>
    public required int ImageArea { get; init; }

    /// <summary><c>&lt;|begin_of_image|&gt;</c></summary>
    public required int BeginOfImage { get; init; }

    /// <summary><c>&lt;|end_of_image|&gt;</c></summary>
    public required int EndOfImage { get; init; }

    /// <summary><c>&lt;|image_placeholder|&gt;</c>, the slot of one image token.</summary>
    public required int ImagePlaceholder { get; init; }

    /// <summary><c>&lt;|endoftext|&gt;</c></summary>
    public required int EndOfText { get; init; }

    /// <summary>Prepended to every caption where the tokenizer has one; Qwen's has none.</summary>
    public int? BeginOfText { get; init; }
}

/// <summary>Text to ids and back. Implementations: bytes, words, and the Qwen byte-pair encoding of the released models.</summary>
public abstract class TextTokenizer
{
    /// <summary>Rows that an embedding table needs.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The structural tokens.</summary>
    public abstract SpecialTokens Special { get; }

    /// <summary>Ids of <paramref name="text"/>; special tokens written out in the text are recognised; no token is added.</summary>
    public abstract int[] Encode(string text);

    /// <summary>The text of <paramref name="ids"/>.</summary>
    public abstract string Decode(IEnumerable<int> ids);

    /// <summary>Writes the tokenizer's files into <paramref name="folder"/>, whole or not at all.</summary>
    public abstract void Save(string folder);
}
