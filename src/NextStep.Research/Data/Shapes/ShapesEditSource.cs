namespace NextStep.Research;

/// <summary>Which picture of an edit.</summary>
internal enum EditSide
{
    /// <summary>The source.</summary>
    Before,

    /// <summary>The result.</summary>
    After,
}

/// <summary>
/// One side of the edits of the shapes world, drawn when they are asked for; both sides have the same indices, and the caption is the instruction.
/// No training result contains a held-out colour/shape pair. Of the held-out edits those with an odd index do, where the kind of edit can bring one.
/// </summary>
internal sealed class ShapesEditSource : IImageSource
{
    private const int LeastHeldOut = 1024;

    private readonly long _seed;
    private readonly DataSplit _split;
    private readonly EditSide _side;
    private readonly int _size;

    /// <summary>Opens one side of one split. A tenth as many held-out as training edits, at least 1024.</summary>
    /// <exception cref="ArgumentException">Edits are asked of a source that has none, or none are asked for.</exception>
    public ShapesEditSource(DataConfig config, DataSplit split, EditSide side, long seed)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (config.Source != DataSource.Shapes || config.Edits < 1)
        {
            throw new ArgumentException("Only the shapes world has edits: set data.source to shapes and data.edits to their number, or data.edits to 0.", nameof(config));
        }
        (_seed, _split, _side, _size) = (seed, split, side, config.ImageSize);
        Count = split == DataSplit.Train ? config.Edits : Math.Max(LeastHeldOut, config.Edits / 10);
    }

    /// <inheritdoc/>
    public string Name => $"edits of shapes {_size} px, {(_split == DataSplit.Train ? "train" : "held out")}, {(_side == EditSide.Before ? "before" : "after")}";

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public IReadOnlyList<UnreadablePicture> Unreadable => [];

    /// <summary>The edit of an index, of a kind drawn evenly from all.</summary>
    public SceneEdit EditAt(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        SplitMix64 random = Streams.Managed(_seed, _split == DataSplit.Train ? "shapes.edit/train" : "shapes.edit/heldout", index);
        EditKind[] kinds = Enum.GetValues<EditKind>();
        EditKind kind = kinds[random.NextInt(kinds.Length)];
        bool newPair = _split == DataSplit.HeldOut && index % 2 == 1 && kind is not (EditKind.Remove or EditKind.Move or EditKind.Background);
        return SceneEdits.Draw(kind, newPair ? PairSplit.HeldOut : PairSplit.Seen, random);
    }

    /// <inheritdoc/>
    public string Caption(int index) => EditAt(index).Instruction;

    /// <inheritdoc/>
    public string Id(int index) => $"edit-{(_split == DataSplit.Train ? "train" : "heldout")}-{index:D6}";

    /// <inheritdoc/>
    public CaptionedImage Load(int index)
    {
        SceneEdit edit = EditAt(index);
        return new CaptionedImage(SignedDistanceRenderer.Render(_side == EditSide.Before ? edit.Before : edit.After, _size), edit.Instruction, Id(index));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Nothing is held: pictures are drawn on request.
    }
}
