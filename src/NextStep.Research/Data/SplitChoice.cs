namespace NextStep.Research;

/// <summary>A picture as the split sees it.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Family">What it has in common with others, for instance its caption.</param>
internal readonly record struct SplitItem(string Id, string Family);

/// <summary>
/// Which pictures belong to a split, in which order. The order is a fixed permutation, so that the first ones, wherever only so many are used,
/// are a fair draw and not those whose names come first.
/// </summary>
/// <param name="Chosen">Indices of the pictures.</param>
/// <param name="Notes">What a person should know, in sentences.</param>
internal sealed record SplitChoice(int[] Chosen, IReadOnlyList<string> Notes);

/// <summary>Both sides of the split.</summary>
internal sealed record SplitChoices(SplitChoice Train, SplitChoice HeldOut)
{
    /// <summary>Chooses by <c>data.heldOut</c> and <c>data.images</c>.</summary>
    /// <exception cref="InvalidDataException">A name of <c>data.heldOut.names</c> fits no picture.</exception>
    public static SplitChoices Of(IReadOnlyList<SplitItem> items, DataConfig config)
    {
        Func<int, bool> isHeldOut = config.HeldOut.Names.Count > 0 ? ByName(items, config.HeldOut.Names) : ByShare(items, config.HeldOut);
        ILookup<bool, int> sides = Streams.Managed(0, "data.images").Permutation(items.Count).ToLookup(isHeldOut);
        int[] train = [.. sides[false]];
        return new SplitChoices(
            config.Images > 0 && config.Images < train.Length
                ? new SplitChoice(train[..config.Images], [FormattableString.Invariant($"{config.Images} of {train.Length} training pictures are used (data.images), drawn by a fixed permutation; data.images: 0 uses all")])
                : new SplitChoice(train, []),
            new SplitChoice([.. sides[true]], []));
    }

    /// <summary>One of them.</summary>
    public SplitChoice For(DataSplit split) => split == DataSplit.Train ? Train : HeldOut;

    private static Func<int, bool> ByShare(IReadOnlyList<SplitItem> items, HeldOutConfig config)
    {
        string[] families = config.By == HeldOutBy.Picture ? [.. items.Select(i => i.Id)] : Joined(items);
        return i => Streams.Managed(0, "data.split/" + families[i]).NextDouble() < config.Share;
    }

    private static Func<int, bool> ByName(IReadOnlyList<SplitItem> items, IReadOnlyList<string> names)
    {
        bool[] fits = new bool[items.Count];
        foreach (string name in names)
        {
            string folder = name.TrimEnd('/') + "/";
            bool any = false;
            for (int i = 0; i < fits.Length; i++)
            {
                bool fit = items[i].Id == name || items[i].Id.StartsWith(folder, StringComparison.Ordinal);
                fits[i] |= fit;
                any |= fit;
            }
            if (!any)
            {
                throw new InvalidDataException($"data.heldOut.names: there is no picture or folder '{name}' among {items.Count} pictures; names are relative to the data folder.");
            }
        }
        return i => fits[i];
    }

    // Pictures of one family, and the same picture under several captions, are joined: neither may be on both sides.
    private static string[] Joined(IReadOnlyList<SplitItem> items)
    {
        int[] parent = [.. Enumerable.Range(0, items.Count)];
        int Root(int i)
        {
            while (parent[i] != i)
            {
                i = parent[i] = parent[parent[i]];
            }
            return i;
        }
        foreach (Func<SplitItem, string> of in (Func<SplitItem, string>[])[i => i.Family, i => i.Id])
        {
            Dictionary<string, int> first = new(StringComparer.Ordinal);
            for (int i = 0; i < items.Count; i++)
            {
                if (!first.TryAdd(of(items[i]), i))
                {
                    parent[Root(i)] = Root(first[of(items[i])]);
                }
            }
        }
        Dictionary<int, string> names = [];
        for (int i = 0; i < items.Count; i++)
        {
            int root = Root(i);
            names[root] = names.TryGetValue(root, out string? known) && string.CompareOrdinal(known, items[i].Family) < 0 ? known : items[i].Family;
        }
        return [.. Enumerable.Range(0, items.Count).Select(i => names[Root(i)])];
    }
}
