namespace NextStep.Research;

/// <summary>Captions that a scene almost satisfies: what a verifier must not accept.</summary>
internal static class HardNegative
{
    /// <summary>A description that differs from a true one in a single shape, colour, count, relation or place, or in swapped colours.</summary>
    /// <param name="truth">True of the scene.</param>
    /// <param name="random">The choice.</param>
    public static SceneSpec Of(SceneSpec truth, SplitMix64 random)
    {
        ArgumentNullException.ThrowIfNull(truth);
        ArgumentNullException.ThrowIfNull(random);
        List<Func<SceneSpec>> changes = [() => OtherShape(truth, random)];
        if (truth.Objects.Any(o => o.Color is not null))
        {
            changes.Add(() => OtherColor(truth, random));
        }
        if (truth.Skill == ShapeSkill.Counting)
        {
            changes.Add(() => OtherCount(truth, random));
        }
        if (truth.Relation is { } relation)
        {
            changes.Add(() => truth with { Relation = Mirrored(relation) });
        }
        if (truth.Place is { } place)
        {
            changes.Add(() => truth with { Place = new ScenePlace((place.Row + 1 + random.NextInt(2)) % 3, place.Column) });
        }
        if (truth.Objects.Count == 2 && truth.Objects[0].Kind != truth.Objects[1].Kind && truth.Objects[0].Color != truth.Objects[1].Color
            && truth.Objects.All(o => o.Color is not null))
        {
            changes.Add(() => truth with { Objects = [truth.Objects[0] with { Color = truth.Objects[1].Color }, truth.Objects[1] with { Color = truth.Objects[0].Color }] });
        }
        return changes[random.NextInt(changes.Count)]();
    }

    private static SceneSpec OtherShape(SceneSpec truth, SplitMix64 random)
    {
        ShapeKind[] others = [.. Enum.GetValues<ShapeKind>().Except(truth.Objects.Select(o => o.Kind))];
        return Changed(truth, random, o => o with { Kind = others[random.NextInt(others.Length)] });
    }

    private static SceneSpec OtherColor(SceneSpec truth, SplitMix64 random)
    {
        ShapeColor[] others = [.. Enum.GetValues<ShapeColor>().Except(truth.Objects.Where(o => o.Color is not null).Select(o => o.Color!.Value))];
        return Changed(truth, random, o => o with { Color = others[random.NextInt(others.Length)] });
    }

    private static SceneSpec OtherCount(SceneSpec truth, SplitMix64 random) =>
        Changed(truth, random, o => o with { Count = o.Count + (o.Count <= 2 || (o.Count < 4 && random.NextInt(2) == 0) ? 1 : -1) });

    private static SceneSpec Changed(SceneSpec truth, SplitMix64 random, Func<ObjectSpec, ObjectSpec> change)
    {
        int at = random.NextInt(truth.Objects.Count);
        return truth with { Objects = [.. truth.Objects.Select((o, i) => i == at ? change(o) : o)] };
    }

    private static SceneRelation Mirrored(SceneRelation relation) => relation switch
    {
        SceneRelation.LeftOf => SceneRelation.RightOf,
        SceneRelation.RightOf => SceneRelation.LeftOf,
        SceneRelation.Above => SceneRelation.Below,
        _ => SceneRelation.Above,
    };
}
