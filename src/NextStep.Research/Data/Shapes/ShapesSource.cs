namespace NextStep.Research;

/// <summary>
/// Captioned pictures of the shapes world, drawn when they are asked for. An index always gives the same picture.
/// Training scenes never contain a held-out colour/shape pair. Held-out scenes come from another random stream;
/// those with an even index contain seen pairs only, those with an odd index at least one held-out pair.
/// </summary>
internal sealed class ShapesSource : IImageSource
{
    private const int LeastHeldOut = 1024;

    private readonly long _seed;
    private readonly DataSplit _split;
    private readonly int _size;
    private readonly bool _paraphrase;
    private readonly ShapeSkill[] _skills;

    /// <summary>Opens one split. A tenth as many held-out as training pictures, at least 1024.</summary>
    /// <exception cref="ArgumentException">An unknown skill, or no pictures asked for.</exception>
    public ShapesSource(DataConfig config, DataSplit split, long seed)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (config.Images < 1)
        {
            throw new ArgumentException("data.images must be at least 1 for the shapes world, which makes its pictures.", nameof(config));
        }
        (_seed, _split, _size) = (seed, split, config.ImageSize);
        _paraphrase = config.Paraphrase && split == DataSplit.Train;
        _skills = config.Skills.Count == 0 ? Enum.GetValues<ShapeSkill>() : [.. config.Skills.Select(SkillNamed)];
        Count = split == DataSplit.Train ? config.Images : Math.Max(LeastHeldOut, config.Images / 10);
    }

    /// <inheritdoc/>
    public string Name => $"shapes {_size} px, {(_split == DataSplit.Train ? "train" : "held out")}";

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public IReadOnlyList<UnreadablePicture> Unreadable => [];

    /// <summary>The names that <c>data.skills</c> accepts.</summary>
    public static IReadOnlyList<string> SkillNames { get; } = [.. Enum.GetValues<ShapeSkill>().Select(NameOf)];

    /// <summary><c>colorAttribution</c> for <see cref="ShapeSkill.ColorAttribution"/>.</summary>
    public static string NameOf(ShapeSkill skill)
    {
        string name = skill.ToString();
        return char.ToLowerInvariant(name[0]) + name[1..];
    }

    /// <summary>The skill of this name, letter case ignored.</summary>
    /// <exception cref="ArgumentException">No such skill.</exception>
    public static ShapeSkill SkillNamed(string name)
    {
        foreach (ShapeSkill skill in Enum.GetValues<ShapeSkill>())
        {
            if (string.Equals(NameOf(skill), name, StringComparison.OrdinalIgnoreCase))
            {
                return skill;
            }
        }
        throw new ArgumentException($"'{name}' is no skill of the shapes world; there are {string.Join(", ", SkillNames)}.", nameof(name));
    }

    /// <summary>
    /// Distinct prompts of one skill in a fixed order. Fewer than <paramref name="count"/> when the grammar has no more:
    /// 8 for <c>single</c>, 56 for <c>two</c>. Both name no colours and so have no held-out prompts: the list is then empty.
    /// </summary>
    public static IReadOnlyList<string> EvaluationPrompts(string skill, int count, long seed, PairSplit pairs = PairSplit.Seen)
    {
        ShapeSkill kind = SkillNamed(skill);
        if (pairs == PairSplit.HeldOut && kind is ShapeSkill.Single or ShapeSkill.Two)
        {
            return [];
        }
        SplitMix64 random = Streams.Managed(seed, $"shapes.prompts/{NameOf(kind)}/{pairs}");
        List<string> prompts = [];
        HashSet<string> known = [];
        // A run of misses this long means that the grammar is exhausted: the chance of a missed prompt is below one in a million.
        for (int misses = 0; prompts.Count < count && misses < 5000;)
        {
            string prompt = CaptionGrammar.Write(SceneGenerator.DrawSpec(kind, pairs, random));
            if (known.Add(prompt))
            {
                prompts.Add(prompt);
                misses = 0;
            }
            else
            {
                misses++;
            }
        }
        return prompts;
    }

    /// <summary>The scene behind a picture and the skill that its caption exercises.</summary>
    public (ShapeScene Scene, ShapeSkill Skill) SceneAt(int index)
    {
        SplitMix64 random = RandomAt(index);
        ShapeSkill skill = _skills[random.NextInt(_skills.Length)];
        PairSplit pairs = _split == DataSplit.HeldOut && index % 2 == 1 ? PairSplit.HeldOut : PairSplit.Seen;
        return (SceneGenerator.Draw(skill, pairs, random), skill);
    }

    /// <inheritdoc/>
    public string Caption(int index) => CaptionOf(SceneAt(index), index);

    /// <inheritdoc/>
    public string Id(int index) => $"shapes-{(_split == DataSplit.Train ? "train" : "heldout")}-{index:D6}";

    /// <inheritdoc/>
    public CaptionedImage Load(int index)
    {
        (ShapeScene Scene, ShapeSkill Skill) drawn = SceneAt(index);
        return new CaptionedImage(SignedDistanceRenderer.Render(drawn.Scene, _size), CaptionOf(drawn, index), Id(index));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Nothing is held: pictures are drawn on request.
    }

    private string CaptionOf((ShapeScene Scene, ShapeSkill Skill) drawn, int index)
    {
        int frame = _paraphrase ? Streams.Managed(_seed, "shapes.frame", index).NextInt(CaptionGrammar.FrameCount) : 0;
        return CaptionGrammar.Write(CaptionGrammar.Describe(drawn.Scene, drawn.Skill), frame);
    }

    private SplitMix64 RandomAt(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return Streams.Managed(_seed, _split == DataSplit.Train ? "shapes.scene/train" : "shapes.scene/heldout", index);
    }
}
