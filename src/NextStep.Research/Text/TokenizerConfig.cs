namespace NextStep.Research;

/// <summary>
/// The <c>model.tokenizer</c> node: how captions become ids. A tokenizer of one's own is a record that derives from this, with its options as <c>init</c>
/// properties, and a <see cref="TextTokenizer"/> that it builds; its name in files is that of its type in kebab-case without <c>Tokenizer</c>.
/// <see cref="SpecialTokenText"/> has the structural tokens and cuts them out of a text.
/// </summary>
public abstract record TokenizerConfig : ComponentConfig
{
    /// <summary>Makes the tokenizer of a model that is trained; the same captions give the same ids.</summary>
    /// <param name="captions">All captions of the training set, and the words that its source knows beyond them.</param>
    public abstract TextTokenizer Build(IReadOnlyList<string> captions);

    /// <summary>Reads back what <see cref="TextTokenizer.Save"/> wrote; as it stands, by the files of the kit's own tokenizers.</summary>
    /// <param name="folder">Of the model.</param>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public virtual TextTokenizer Load(string folder) => TextTokenizerFiles.Exists(folder) ? TextTokenizerFiles.Load(folder) : QwenTokenizer.Load(folder);
}

/// <summary>One id per word of the training captions: the default.</summary>
[Component("word")]
public sealed record WordVocabulary : TokenizerConfig
{
    /// <inheritdoc/>
    public override TextTokenizer Build(IReadOnlyList<string> captions) => WordTokenizer.FromCaptions(captions);
}

/// <summary>One id per UTF-8 byte.</summary>
[Component("byte")]
public sealed record ByteVocabulary : TokenizerConfig
{
    /// <inheritdoc/>
    public override TextTokenizer Build(IReadOnlyList<string> captions) => new ByteTokenizer();
}

/// <summary>The byte-pair encoding of Qwen2.5, of a folder with its files: the tokenizer of a released model, for a training that starts from its weights.</summary>
[Component("qwen")]
public sealed record QwenVocabulary : TokenizerConfig
{
    /// <summary>With <c>vocab.json</c> and <c>merges.txt</c>, or <c>tokenizer.json</c>.</summary>
    public string Folder { get; init; } = "";

    /// <inheritdoc/>
    public override TextTokenizer Build(IReadOnlyList<string> captions) => QwenTokenizer.Load(Folder);
}
