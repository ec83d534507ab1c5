using System.Globalization;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Pictures that a model drew, several for each prompt, with what the reward said of them.</summary>
/// <param name="Tokens">[n, L, d], the pictures of a prompt together.</param>
/// <param name="Prompts">One per picture.</param>
/// <param name="Each">Pictures of a prompt.</param>
/// <param name="Judged">One per picture.</param>
/// <param name="Sources">[edits, L, d], what the last so many prompts edit; null = no prompt is an edit.</param>
internal sealed record DrawnGroups(Tensor Tokens, IReadOnlyList<string> Prompts, int Each, IReadOnlyList<PictureJudgement> Judged, Tensor? Sources = null) : IDisposable
{
    private const float Accepted = 0.5f;

    // By kind and prompt: the places of accepted and of other pictures.
    private readonly Group[] _groups =
    [
        .. Enumerable.Range(0, Judged.Count).GroupBy(i => (Prompt: i / Each, Kind: KindOf(Judged, Each, Sources, i))).Select(g => new Group(
            g.Key.Kind, [.. g.Where(i => Judged[i].Reward > Accepted)], [.. g.Where(i => Judged[i].Reward <= Accepted)])),
    ];

    private sealed record Group((bool Edit, int Kind) Kind, int[] Accepted, int[] Rejected);

    /// <summary>A step of every token; null = not kept.</summary>
    public Transitions? Transitions { get; init; }

    /// <summary>The first place of an edit's result; from here on all are.</summary>
    public int FirstEdit => First(Judged, Each, Sources);

    /// <summary>Mean reward of the pictures of captions; NaN where there are none.</summary>
    public double Reward => Judged.Take(FirstEdit).Select(j => (double)j.Reward).DefaultIfEmpty(double.NaN).Average();

    /// <summary>Of the edits; NaN where there are none.</summary>
    public double EditReward => Judged.Skip(FirstEdit).Select(j => (double)j.Reward).DefaultIfEmpty(double.NaN).Average();

    /// <summary>The source of an edit's result.</summary>
    /// <param name="place">From <see cref="FirstEdit"/> on.</param>
    public long SourceOf(int place) => (place - FirstEdit) / Each;

    private static int First(IReadOnlyList<PictureJudgement> judged, int each, Tensor? sources) => judged.Count - ((int)(sources?.size(0) ?? 0) * each);

    // Kinds of pictures and of edits are two numberings.
    private static (bool Edit, int Kind) KindOf(IReadOnlyList<PictureJudgement> judged, int each, Tensor? sources, int place) => (place >= First(judged, each, sources), judged[place].Kind);

    /// <summary>Places of accepted pictures: of every kind the share that it has of all draws, and within a kind every prompt that has one as often as any other, whatever its share of accepted ones.</summary>
    /// <exception cref="InvalidOperationException">No picture was accepted.</exception>
    public int[] Accept(int count, SplitMix64 random)
    {
        Func<Group> next = Chooser(g => g.Accepted.Length > 0, random)
            ?? throw new InvalidOperationException($"None of the {Judged.Count} pictures drawn was accepted, so there is nothing to learn from; raise training.post.prompts or draws, or start from a better model");
        return [.. Enumerable.Range(0, count).Select(_ => next().Accepted).Select(a => a[random.NextInt(a.Length)])];
    }

    /// <summary>Places of pairs, an accepted and a rejected picture of one prompt and kind each; kinds and prompts as for <see cref="Accept"/>.</summary>
    /// <exception cref="InvalidOperationException">No prompt has both.</exception>
    public (int[] Winners, int[] Losers) Pairs(int count, SplitMix64 random)
    {
        Func<Group> next = Chooser(g => g.Accepted.Length > 0 && g.Rejected.Length > 0, random)
            ?? throw new InvalidOperationException($"Of the {Judged.Count / Each} prompts drawn none has an accepted and a rejected picture of one kind, so there are no pairs; raise training.post.prompts or draws, or use another start");
        (int[] winners, int[] losers) = (new int[count], new int[count]);
        for (int i = 0; i < count; i++)
        {
            Group group = next();
            (winners[i], losers[i]) = (group.Accepted[random.NextInt(group.Accepted.Length)], group.Rejected[random.NextInt(group.Rejected.Length)]);
        }
        return (winners, losers);
    }

    // A kind as often as it was drawn, then any usable group of it; null where none is usable.
    private Func<Group>? Chooser(Func<Group, bool> usable, SplitMix64 random)
    {
        Dictionary<(bool Edit, int Kind), Group[]> byKind = _groups.Where(usable).GroupBy(g => g.Kind).ToDictionary(k => k.Key, k => k.ToArray());
        (bool Edit, int Kind)[] kinds = [.. Enumerable.Range(0, Judged.Count).Select(i => KindOf(Judged, Each, Sources, i)).Where(byKind.ContainsKey)];
        return kinds.Length == 0 ? null : () =>
        {
            Group[] groups = byKind[kinds[random.NextInt(kinds.Length)]];
            return groups[random.NextInt(groups.Length)];
        };
    }

    /// <summary>Writes <c>NAME.safetensors</c>, whole or not at all.</summary>
    public void Save(string file)
    {
        Dictionary<string, Tensor> tensors = new() { ["tokens"] = Tokens };
        if (Sources is not null)
        {
            tensors["sources"] = Sources;
        }
        if (Transitions is not null)
        {
            (tensors["before"], tensors["after"], tensors["steps"]) = (Transitions.Before, Transitions.After, Transitions.Steps);
        }
        SafetensorsFile.Write(file, tensors, new Dictionary<string, string>
        {
            ["prompts"] = JsonSerializer.Serialize(Prompts),
            ["each"] = Each.ToString(CultureInfo.InvariantCulture),
            ["rewards"] = JsonSerializer.Serialize(Judged.Select(j => j.Reward)),
            ["kinds"] = JsonSerializer.Serialize(Judged.Select(j => j.Kind)),
        });
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or holds something else.</exception>
    public static DrawnGroups Load(string file)
    {
        using DisposeScope scope = NewDisposeScope();
        using SafetensorsFile saved = SafetensorsFile.Open(file);
        string[] prompts = Read<string>("prompts");
        float[] rewards = Read<float>("rewards");
        int[] kinds = Read<int>("kinds");
        bool edits = saved.Entries.TryGetValue("sources", out TensorEntry? sources);
        bool kept = saved.Entries.ContainsKey("before");
        if (!saved.Entries.TryGetValue("tokens", out TensorEntry? entry) || entry.Shape is not [var count, var places, var width] || count != prompts.Length || count != rewards.Length || count != kinds.Length
            || !int.TryParse(saved.Metadata.GetValueOrDefault("each"), CultureInfo.InvariantCulture, out int each) || each < 1 || count % each != 0
            || (edits && !(sources!.Shape is [var edited, var rows, var columns] && edited <= count / each && (rows, columns) == (places, width)))
            || (kept && !(Shaped("before", count, places, width) && Shaped("after", count, places, width) && Shaped("steps", count, places))))
        {
            throw new InvalidDataException($"{file} holds no drawn pictures with their rewards; delete this stage's folder to start it anew.");
        }
        return new DrawnGroups(saved.Read("tokens").clone().DetachFromDisposeScope(), prompts, each, [.. rewards.Zip(kinds, (r, k) => new PictureJudgement(r, k))],
            edits ? saved.Read("sources").clone().DetachFromDisposeScope() : null)
        {
            Transitions = kept ? new Transitions(Kept("before"), Kept("after"), Kept("steps")) : null,
        };

        Tensor Kept(string name) => saved.Read(name).clone().DetachFromDisposeScope();

        bool Shaped(string name, params long[] shape) => saved.Entries.TryGetValue(name, out TensorEntry? found) && found.Shape.SequenceEqual(shape);

        T[] Read<T>(string name) => JsonSerializer.Deserialize<T[]>(saved.Metadata.GetValueOrDefault(name) ?? "[]") ?? [];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Tokens.Dispose();
        Sources?.Dispose();
        Transitions?.Dispose();
    }
}
