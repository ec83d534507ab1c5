using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>Keys of an arm's stages and cells. The arm's name, the other arms and what is called baseline are in none of them.</summary>
internal sealed class StageKeys
{
    private static readonly IReadOnlyDictionary<string, string> Defaults = ConfigPath.Texts(new ResearchConfig());
    private readonly string _arm;
    private readonly StageKey[] _keys;
    private readonly string _unread;

    /// <param name="arm">The arm.</param>
    /// <param name="all">In the order in which they run.</param>
    /// <param name="varied">Config paths in which the experiment's arms differ; those that no stage reads still make a cell of its own.</param>
    /// <param name="content">Looks up what the arm's values stand for.</param>
    public StageKeys(Arm arm, IReadOnlyList<StageDefinition> all, IReadOnlyCollection<string> varied, ContentReader content)
    {
        _arm = arm.Name;
        StageDefinition[] stages = StageDefinition.Needed(all, arm.Config);
        IReadOnlyDictionary<string, string> texts = ConfigPath.Texts(arm.Config);
        IReadOnlyDictionary<string, string> contents = content.Of(arm.Config);
        _keys = [.. stages.Select(s => StageKey.Of(s, texts, contents, content))];
        _unread = string.Concat(varied.Order(StringComparer.Ordinal)
            .Where(p => texts.TryGetValue(p, out string? text) && text != Defaults.GetValueOrDefault(p) && !content.KeepsBits(p) && !Content.IsNameOnly(p) && !stages.Any(s => content.Reads(s, p)))
            .Select(p => $"{p}: {texts[p]}\n"));
    }

    /// <summary>The stages of a cell with their keys, and the cell's own.</summary>
    public PlannedCell Cell(long seed)
    {
        Dictionary<string, string> keys = [];
        foreach (StageKey key in _keys)
        {
            keys.Add(key.Stage.Kind, key.For(seed, keys));
        }
        string cell = StageKey.Hash(string.Create(CultureInfo.InvariantCulture, $"seed {seed}\n{_unread}{string.Join('\n', keys.Values)}"));
        return new PlannedCell(cell, _arm, seed,
            [.. _keys.Select(k => new PlannedStage(k.Stage.Kind, keys[k.Stage.Kind], k.Stage.Shared ? $"stages/{k.Stage.Kind}-{keys[k.Stage.Kind]}" : $"cells/{cell}/{k.Stage.Kind}", k.Stage.Shared))]);
    }
}
