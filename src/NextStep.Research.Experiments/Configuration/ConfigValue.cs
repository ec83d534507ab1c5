using System.Collections;
using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>A value between its YAML node and its type in the configuration records.</summary>
internal static class ConfigValue
{
    /// <summary>Reads a node as the type of <paramref name="key"/>; <paramref name="problem"/> says in one sentence what is wrong.</summary>
    public static object? Read(ConfigKey key, YamlNode node, out string? problem)
    {
        problem = null;
        if (IsNull(node))
        {
            if (!key.Nullable)
            {
                problem = $"expected {Describe(key.Type)}, found nothing";
            }
            return null;
        }
        object? value = Element(key.Type) is { } element ? ReadList(element, node, out problem) : ReadOne(key.Type, node, out problem);
        problem ??= Check(key, value);
        return problem is null ? value : null;
    }

    /// <summary>Checks type and range of a value that comes from code. Null: right.</summary>
    public static string? Check(ConfigKey key, object? value)
    {
        if (value is null)
        {
            return key.Nullable ? null : $"expected {Describe(key.Type)}, found nothing";
        }
        if (!key.Type.IsInstanceOfType(value))
        {
            return $"expected {Describe(key.Type)}, found {value.GetType().Name}";
        }
        if (value is double d && !double.IsFinite(d))
        {
            return $"{Format(value)} is not a finite number";
        }
        if (key.Range is RangeOfEachAttribute each && value is IList numbers && (numbers.Count < each.Least || numbers.Count > each.Most))
        {
            string wanted = each.Least == each.Most ? $"{each.Least} numbers" : each.Most == int.MaxValue ? $"a list of at least {each.Least}" : $"{each.Least} to {each.Most} numbers";
            return string.Create(CultureInfo.InvariantCulture, $"expected {wanted}, found {numbers.Count}");
        }
        // RangeAttribute compares long values as double, so the ends of a long range are left to the type.
        if (key.Range is { } range && !range.IsValid(value))
        {
            if (value is IList list && list.Cast<object>().Select((item, i) => (item, i)).FirstOrDefault(x => !range.IsValid(x.item)) is { item: { } wrong } at)
            {
                return FormattableString.Invariant($"item {at.i + 1}: {Format(wrong)} is out of range: {range.Minimum} to {range.Maximum}");
            }
            return FormattableString.Invariant($"{Format(value)} is out of range: {range.Minimum} to {range.Maximum}");
        }
        if (key.Rule is { } rule && !rule.IsValid(value))
        {
            return rule.FormatErrorMessage(value as string ?? Format(value));
        }
        return null;
    }

    /// <summary>The value as one line of YAML, the same on every machine.</summary>
    public static string Format(object? value) => value switch
    {
        null => "null",
        bool b => b ? "true" : "false",
        Enum e => EnumNames.Format(e),
        string s => YamlText.Scalar(s),
        ComponentConfig c => ConfigComponent.Format(c),
        double d => d.ToString("R", CultureInfo.InvariantCulture),
        IEnumerable list => $"[{string.Join(", ", list.Cast<object?>().Select(Format))}]",
        IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new NotSupportedException($"{value.GetType()} has no YAML form"),
    };

    /// <summary>The components that a value is or lists, with those among their options.</summary>
    public static IEnumerable<ComponentConfig> Components(object? value) => value switch
    {
        ComponentConfig c => ConfigKey.Of(c.GetType(), "").SelectMany(k => Components(k.Property.GetValue(c))).Prepend(c),
        IEnumerable<ComponentConfig> list => list.SelectMany(Components),
        _ => [],
    };

    /// <summary>Equality that looks into lists and components.</summary>
    public static bool AreEqual(object? a, object? b) => Format(a) == Format(b);

    public static string Describe(Type type) => Element(type) is { } element
        ? $"a list of {Describe(element).Replace("a ", "", StringComparison.Ordinal)}s"
        : type == typeof(bool) ? "true or false"
        : type == typeof(int) || type == typeof(long) ? "a whole number"
        : type == typeof(double) ? "a number"
        : type == typeof(string) ? "a text"
        : typeof(ComponentConfig).IsAssignableFrom(type) ? $"one of {string.Join(", ", ComponentCatalog.Of(type).Select(ComponentCatalog.NameOf))}"
        : type.IsEnum ? $"one of {string.Join(", ", EnumNames.Known(type))}"
        : "a group of keys";

    public static string Describe(YamlNode node) => node switch
    {
        YamlScalarNode { Style: ScalarStyle.Plain } s => $"'{Shorten(s.Value ?? "")}'",
        YamlScalarNode s => $"the text \"{Shorten(s.Value ?? "")}\"",
        YamlSequenceNode => "a list",
        _ => "a group of keys",
    };

    public static bool IsNull(YamlNode node) => node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" };

    private static Type? Element(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;

    private static Array? ReadList(Type element, YamlNode node, out string? problem)
    {
        if (node is not YamlSequenceNode sequence)
        {
            problem = $"expected a list, found {Describe(node)}";
            return null;
        }
        Array list = Array.CreateInstance(element, sequence.Children.Count);
        for (int i = 0; i < list.Length; i++)
        {
            object? item = ReadOne(element, sequence.Children[i], out problem);
            if (problem is not null)
            {
                problem = $"item {i + 1}: {problem}";
                return null;
            }
            list.SetValue(item, i);
        }
        problem = null;
        return list;
    }

    private static object? ReadOne(Type type, YamlNode node, out string? problem) => typeof(ComponentConfig).IsAssignableFrom(type)
        ? ConfigComponent.Read(type, node, out problem)
        : ReadScalar(type, node, out problem);

    private static object? ReadScalar(Type type, YamlNode node, out string? problem)
    {
        problem = null;
        if (node is YamlScalarNode scalar && (scalar.Style == ScalarStyle.Plain || type == typeof(string) || type.IsEnum))
        {
            string text = scalar.Value ?? "";
            object? value =
                type == typeof(string) ? text
                : type.IsEnum ? EnumNames.Parse(type, text)
                : type == typeof(bool) ? text switch { "true" => true, "false" => false, _ => null }
                : ReadNumber(type, text.Replace("_", "", StringComparison.Ordinal));
            if (value is not null)
            {
                return value;
            }
            if (type.IsEnum && NearestName.Find(text, EnumNames.Known(type)) is { } nearest)
            {
                problem = $"expected {Describe(type)}, found {Describe(node)}; did you mean '{nearest}'?";
                return null;
            }
        }
        problem = $"expected {Describe(type)}, found {Describe(node)}";
        return null;
    }

    private static object? ReadNumber(Type type, string text)
    {
        bool isNumber = double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out double number);
        if (type == typeof(double))
        {
            return isNumber && double.IsFinite(number) ? number : null;
        }
        // 2e4 is a whole number too.
        bool isWhole = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole);
        if (!isWhole && isNumber && Math.Abs(number) < 1L << 53 && Math.Floor(number) == number)
        {
            (isWhole, whole) = (true, (long)number);
        }
        return !isWhole ? null : type == typeof(long) ? whole : whole is >= int.MinValue and <= int.MaxValue ? (int)whole : null;
    }

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
