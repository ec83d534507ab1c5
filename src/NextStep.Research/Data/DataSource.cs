namespace NextStep.Research;

/// <summary>
/// The <c>data.source</c> node: where captioned pictures come from. A source of one's own is a record that derives from this, with an
/// <see cref="IImageSource"/> that it opens; it is named in files by its type's name in kebab-case without <c>Source</c>.
/// </summary>
public abstract record DataSource : ComponentConfig
{
    /// <summary>The procedural shapes world with its exact verifier; nothing to download.</summary>
    public static DataSource Shapes { get; } = new ShapesData();

    /// <summary>The embedded real set: Noto emoji with captions.</summary>
    public static DataSource Emoji { get; } = new EmojiData();

    /// <summary>A folder of pictures with <c>captions.jsonl</c> or <c>.txt</c> side files.</summary>
    public static DataSource Folder { get; } = new FolderData();

    /// <summary>A folder of <c>.tar</c> shards.</summary>
    public static DataSource Webdataset { get; } = new WebdatasetData();

    /// <summary>Opens one split; the caller disposes. What an index of it holds depends on these arguments alone.</summary>
    /// <param name="data">The <c>data</c> node: size and number of the pictures.</param>
    /// <param name="split">Training or held-out pictures, which must not overlap.</param>
    /// <param name="seed">Of what is drawn at random.</param>
    public abstract IImageSource Open(DataConfig data, DataSplit split, long seed);

    /// <summary>Opens both splits, with one look at the files where there are some; the caller disposes both.</summary>
    internal virtual (IImageSource Train, IImageSource HeldOut) OpenBoth(DataConfig data, long seed)
    {
        IImageSource train = Open(data, DataSplit.Train, seed);
        try
        {
            return (train, Open(data, DataSplit.HeldOut, seed));
        }
        catch
        {
            train.Dispose();
            throw;
        }
    }

    /// <summary>What has to be done before its pictures can be opened here, in a sentence; null = nothing.</summary>
    public virtual string? Missing(DataConfig data) => null;

    /// <summary>Words that captions and prompts may use beyond those that the training captions happen to hold, for a vocabulary of words.</summary>
    public virtual IReadOnlyList<string> Words => [];

    /// <summary>Whether its pictures are the files below <c>data.path</c>, so that these belong to the identity of what is made from them.</summary>
    public virtual bool ReadsFolder => false;
}

/// <summary><see cref="DataSource.Shapes"/>.</summary>
[Component("shapes")]
public sealed record ShapesData : DataSource
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Words => CaptionGrammar.Words;

    /// <inheritdoc/>
    public override IImageSource Open(DataConfig data, DataSplit split, long seed) => new ShapesSource(data, split, seed);
}

/// <summary><see cref="DataSource.Emoji"/>.</summary>
[Component("emoji")]
public sealed record EmojiData : DataSource
{
    /// <inheritdoc/>
    public override IImageSource Open(DataConfig data, DataSplit split, long seed) => new EmojiSource(data, split);
}

/// <summary><see cref="DataSource.Folder"/>.</summary>
[Component("folder")]
public sealed record FolderData : DataSource
{
    /// <inheritdoc/>
    public override bool ReadsFolder => true;

    /// <inheritdoc/>
    public override IImageSource Open(DataConfig data, DataSplit split, long seed) => new FileSource(FileReading.OfFolder(data), split);

    /// <inheritdoc/>
    internal override (IImageSource Train, IImageSource HeldOut) OpenBoth(DataConfig data, long seed)
    {
        FileReading reading = FileReading.OfFolder(data);
        return (new FileSource(reading, DataSplit.Train), new FileSource(reading, DataSplit.HeldOut));
    }
}

/// <summary><see cref="DataSource.Webdataset"/>.</summary>
[Component("webdataset")]
public sealed record WebdatasetData : DataSource
{
    /// <inheritdoc/>
    public override bool ReadsFolder => true;

    /// <inheritdoc/>
    public override IImageSource Open(DataConfig data, DataSplit split, long seed) => new FileSource(FileReading.OfShards(data), split);

    /// <inheritdoc/>
    internal override (IImageSource Train, IImageSource HeldOut) OpenBoth(DataConfig data, long seed)
    {
        FileReading reading = FileReading.OfShards(data);
        return (new FileSource(reading, DataSplit.Train), new FileSource(reading, DataSplit.HeldOut));
    }
}
