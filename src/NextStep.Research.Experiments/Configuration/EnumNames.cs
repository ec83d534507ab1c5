using System.Text.Json;

namespace NextStep.Research.Experiments;

/// <summary>How enum members are spelt in files: camelCase, except where a name cannot start with a digit or the field has its own word.</summary>
internal static class EnumNames
{
    private static readonly Dictionary<Enum, string> Canonical = new()
    {
        [ModelSize.B3] = "3b",
        [ModelSize.B14] = "14b",
        [Precision.BFloat16] = "bfloat16",
    };

    private static readonly Dictionary<string, Enum> Aliases = new(StringComparer.Ordinal)
    {
        ["fp32"] = Precision.Float32,
        ["bf16"] = Precision.BFloat16,
        ["fp16"] = Precision.Float16,
    };

    public static string Format(Enum value) => Canonical.TryGetValue(value, out string? name) ? name : JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

    public static IReadOnlyList<string> Known(Type type) => [.. Enum.GetValues(type).Cast<Enum>().Select(Format)];

    public static Enum? Parse(Type type, string name) =>
        Enum.GetValues(type).Cast<Enum>().FirstOrDefault(v => Format(v) == name)
        ?? (Aliases.TryGetValue(name, out Enum? value) && value.GetType() == type ? value : null);
}
