using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace NextStep.Research.Experiments;

/// <summary>
/// All that a stage's result depends on, put together in this one place: its kind and version, the seed, the config values that it
/// reads, the contents that those stand for, and the keys of the stages before it.
/// </summary>
/// <param name="Stage">Whose.</param>
/// <param name="Values">What it reads of the configuration, one line a value.</param>
/// <param name="Contents">What those values stand for, one line each.</param>
internal sealed record StageKey(StageDefinition Stage, string Values, string Contents)
{
    /// <summary>The part that is the same for all seeds of a configuration.</summary>
    /// <param name="stage">Whose.</param>
    /// <param name="texts">Every config value as text, by path.</param>
    /// <param name="contents">As <see cref="ContentReader.Of(ResearchConfig)"/> gives them.</param>
    /// <param name="reader">Knows what the stage reads.</param>
    public static StageKey Of(StageDefinition stage, IReadOnlyDictionary<string, string> texts, IReadOnlyDictionary<string, string> contents, ContentReader reader) => new(
        stage,
        string.Concat(texts.Where(t => t.Key != "seed" && reader.Reads(stage, t.Key) && !Content.IsNameOnly(t.Key) && !ContentReader.IsOlderDefault(t.Key, t.Value)).OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => $"{t.Key}: {t.Value}{reader.VersionOf(t.Key, t.Value)}\n")),
        string.Concat(contents.Where(c => reader.Reads(stage, c.Key)).OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"content of {c.Key}: {c.Value}\n")));

    /// <summary>The key for one seed, behind stages whose keys are known.</summary>
    public string For(long seed, IReadOnlyDictionary<string, string> earlier)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"stage {Stage.Kind} version {Stage.Version}\nseed {seed}\n{Values}{Contents}");
        foreach (string kind in Stage.After.Order(StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"after {kind} {(earlier.TryGetValue(kind, out string? key) ? key : throw new InvalidOperationException($"stage {Stage.Kind} comes after {kind}, which is not before it"))}\n");
        }
        return Hash(text.ToString());
    }

    /// <summary>SHA-256, 16 hexadecimal digits of it.</summary>
    public static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
}
