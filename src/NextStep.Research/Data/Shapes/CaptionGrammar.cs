using System.Diagnostics.CodeAnalysis;

namespace NextStep.Research;

/// <summary>
/// The captions of the shapes world: S → NP | NP and NP | NP REL NP | NUM NPs | NP in the PLACE, [, on a GROUND background],
/// optionally inside a frame ("a picture of …"). Written and read back by the same tables.
/// </summary>
public static class CaptionGrammar
{
    private static readonly string[] Numbers = ["", "one", "two", "three", "four"];
    private static readonly string[] Rows = ["top", "middle", "bottom"];
    private static readonly string[] Columns = ["left", "middle", "right"];
    private static readonly (string Text, SceneRelation Relation)[] Relations =
    [
        (" left of ", SceneRelation.LeftOf), (" right of ", SceneRelation.RightOf), (" above ", SceneRelation.Above), (" below ", SceneRelation.Below),
    ];

    private static readonly string[] FramePrefixes = ["", "a picture of ", "an image of ", "a drawing of ", "there is ", "we see "];

    /// <summary>Number of paraphrase frames; frame 0 is the bare caption.</summary>
    public static int FrameCount => FramePrefixes.Length;

    /// <summary>Every word and mark that captions and edit instructions use, sorted.</summary>
    public static IReadOnlyList<string> Words { get; } = AllWords();

    /// <summary>The caption of <paramref name="spec"/>.</summary>
    /// <param name="spec">What to say.</param>
    /// <param name="frame">0 … <see cref="FrameCount"/>−1; a plural after "there is" becomes "there are".</param>
    public static string Write(SceneSpec spec, int frame = 0)
    {
        ArgumentNullException.ThrowIfNull(spec);
        string body = string.Join(spec.Relation is { } relation ? Relations.First(r => r.Relation == relation).Text : " and ", spec.Objects.Select(Phrase));
        if (spec.Place is { } place)
        {
            body += $" in the {Name(place)}";
        }
        if (spec.Background is { } ground)
        {
            body += $", on a {Lower(ground)} background";
        }
        string prefix = FramePrefixes[frame];
        return (prefix == "there is " && spec.Objects[0].Count > 1 ? "there are " : prefix) + body;
    }

    /// <summary>What a scene's caption of this skill promises.</summary>
    public static SceneSpec Describe(ShapeScene scene, ShapeSkill skill)
    {
        ArgumentNullException.ThrowIfNull(scene);
        SceneObject first = scene.Objects[0];
        ObjectSpec[] named = [.. scene.Objects.Select(o => new ObjectSpec(o.Kind, o.Color, 1))];
        return skill switch
        {
            ShapeSkill.Single or ShapeSkill.Two => new SceneSpec(skill, [.. named.Select(o => o with { Color = null })]),
            ShapeSkill.Counting => new SceneSpec(skill, [new ObjectSpec(first.Kind, first.Color, scene.Objects.Count)]),
            ShapeSkill.Position => new SceneSpec(skill, named, Relation: PositionRule.Of(first, scene.Objects[1])
                ?? throw new ArgumentException("The two objects stand in no clear relation.", nameof(scene))),
            ShapeSkill.Place => new SceneSpec(skill, named, Place: ScenePlace.At(first.X, first.Y)),
            _ => new SceneSpec(skill, named),
        };
    }

    /// <summary>Reads a caption back.</summary>
    /// <exception cref="FormatException">The caption is not of this grammar.</exception>
    public static SceneSpec Parse(string caption) =>
        TryParse(caption, out SceneSpec? spec) ? spec : throw new FormatException($"'{caption}' is not a caption of the shapes world.");

    /// <summary>Reads a caption back, or returns false when it is not of this grammar.</summary>
    public static bool TryParse(string caption, [NotNullWhen(true)] out SceneSpec? spec)
    {
        ArgumentNullException.ThrowIfNull(caption);
        spec = null;
        string rest = caption.Trim().TrimEnd('.').ToLowerInvariant();
        string? prefix = FramePrefixes.Append("there are ").Where(p => p.Length > 0 && rest.StartsWith(p, StringComparison.Ordinal)).FirstOrDefault();
        rest = rest[(prefix?.Length ?? 0)..];
        SceneBackground? ground = null;
        foreach (SceneBackground candidate in Enum.GetValues<SceneBackground>())
        {
            string tail = $", on a {Lower(candidate)} background";
            if (rest.EndsWith(tail, StringComparison.Ordinal))
            {
                (ground, rest) = (candidate, rest[..^tail.Length]);
            }
        }
        ScenePlace? place = null;
        int at = rest.IndexOf(" in the ", StringComparison.Ordinal);
        if (at >= 0)
        {
            if (!TryPlace(rest[(at + 8)..], out ScenePlace cell))
            {
                return false;
            }
            (place, rest) = (cell, rest[..at]);
        }
        SceneRelation? relation = null;
        string[] phrases = rest.Split(" and ");
        foreach ((string text, SceneRelation candidate) in Relations)
        {
            if (phrases.Length == 1 && rest.Contains(text, StringComparison.Ordinal))
            {
                (relation, phrases) = (candidate, rest.Split(text));
            }
        }
        List<ObjectSpec> objects = [];
        foreach (string phrase in phrases)
        {
            if (!TryPhrase(phrase, out ObjectSpec? item))
            {
                return false;
            }
            objects.Add(item);
        }
        if (SkillOf(objects, relation, place) is not { } skill)
        {
            return false;
        }
        spec = new SceneSpec(skill, objects, relation, place, ground);
        return true;
    }

    /// <summary>"top left", "top middle", "middle", …</summary>
    internal static string Name(ScenePlace place) => place is { Row: 1, Column: 1 } ? "middle" : $"{Rows[place.Row]} {Columns[place.Column]}";

    /// <summary>The enumeration's name in small letters.</summary>
    internal static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    /// <summary>"a red circle", "an orange star", "three green stars".</summary>
    internal static string Phrase(ObjectSpec item)
    {
        string noun = (item.Color is { } color ? Lower(color) + " " : "") + Lower(item.Kind) + (item.Count == 1 ? "" : item.Kind == ShapeKind.Cross ? "es" : "s");
        return (item.Count > 1 ? Numbers[item.Count] : noun[0] == 'o' ? "an" : "a") + " " + noun;
    }

    private static ShapeSkill? SkillOf(List<ObjectSpec> objects, SceneRelation? relation, ScenePlace? place) => objects switch
    {
        [{ Count: > 1 }] when relation is null && place is null => ShapeSkill.Counting,
        [{ Count: 1 } only] when relation is null => place is not null ? ShapeSkill.Place : only.Color is null ? ShapeSkill.Single : ShapeSkill.Colors,
        [{ Count: 1 } a, { Count: 1 } b] when place is null =>
            relation is not null ? ShapeSkill.Position : a.Color is null || b.Color is null ? ShapeSkill.Two : ShapeSkill.ColorAttribution,
        _ => null,
    };

    private static bool TryPlace(string text, out ScenePlace place)
    {
        for (int i = 0; i < 9; i++)
        {
            place = new ScenePlace(i / 3, i % 3);
            if (Name(place) == text)
            {
                return true;
            }
        }
        place = default;
        return false;
    }

    private static bool TryPhrase(string phrase, [NotNullWhen(true)] out ObjectSpec? item)
    {
        item = null;
        string[] words = phrase.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length is < 2 or > 3)
        {
            return false;
        }
        int count = words[0] is "a" or "an" ? 1 : Array.IndexOf(Numbers, words[0]);
        ShapeColor? color = null;
        if (words.Length == 3)
        {
            // By name only: Enum.TryParse would also take numbers.
            int named = Array.FindIndex(Enum.GetValues<ShapeColor>(), c => Lower(c) == words[1]);
            if (named < 0)
            {
                return false;
            }
            color = (ShapeColor)named;
        }
        foreach (ShapeKind kind in Enum.GetValues<ShapeKind>())
        {
            ObjectSpec candidate = new(kind, color, count);
            if (count >= 1 && Phrase(candidate).Split(' ')[^1] == words[^1])
            {
                item = candidate;
                return true;
            }
        }
        return false;
    }

    private static List<string> AllWords()
    {
        IEnumerable<string> nouns = from kind in Enum.GetValues<ShapeKind>()
                                    from count in (int[])[1, 2]
                                    select Phrase(new ObjectSpec(kind, null, count));
        string[] edits = ["make the red circle blue", "turn the ring into a square", "remove the", "add a", "move the up down left right", "swap the colors of the", "background"];
        IEnumerable<string> all = [
            .. nouns, .. Enum.GetNames<ShapeColor>(), .. Enum.GetNames<SceneBackground>(), .. Numbers, .. Rows, .. Columns,
            .. Relations.Select(r => r.Text), .. FramePrefixes, "there are", "and in the , on a background", .. edits];
        return [.. all.SelectMany(t => t.ToLowerInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries)).Distinct().Order(StringComparer.Ordinal)];
    }
}
