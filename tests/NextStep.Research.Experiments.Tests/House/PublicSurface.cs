using System.Reflection;
using System.Text;

namespace NextStep.Research.Experiments.Tests;

/// <summary>What assemblies show to a user: a line for each public type, and below it one for each member that is its own.</summary>
internal static class PublicSurface
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    // What the compiler writes for every record.
    private static readonly string[] OfRecords = ["Deconstruct", "Equals", "GetHashCode", "ToString", "op_Equality", "op_Inequality", "PrintMembers", "EqualityContract"];

    public static string Of(params IEnumerable<Assembly> assemblies)
    {
        StringBuilder text = new();
        int types = 0, members = 0;
        foreach (Type type in assemblies.SelectMany(a => a.GetExportedTypes()).OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            string[] own = [.. Members(type)];
            (types, members) = (types + 1, members + own.Length);
            text.Append('\n').Append(Kind(type)).Append(' ').Append(Full(type)).Append(Base(type)).Append('\n');
            foreach (string member in own)
            {
                text.Append("    ").Append(member).Append('\n');
            }
        }
        return $"{types} public types, {members} members\n{text}";
    }

    private static IEnumerable<string> Members(Type type) => type.IsEnum
        ? Enum.GetNames(type)
        : typeof(Delegate).IsAssignableFrom(type) ? [] : type.GetMembers(Own).Select(Line).OfType<string>().Order(StringComparer.Ordinal);

    private static string? Line(MemberInfo member) => member.Name.Contains('<', StringComparison.Ordinal) || OfRecords.Contains(member.Name) ? null : member switch
    {
        ConstructorInfo c when Seen(c) && !IsCopy(c) => $"new({Parameters(c)})",
        MethodInfo m when Seen(m) && !IsOverride(m) && (!m.IsSpecialName || m.Name.StartsWith("op_", StringComparison.Ordinal)) => $"{Static(m)}{m.Name}({Parameters(m)}): {Name(m.ReturnType)}",
        PropertyInfo p when p.GetMethod is { } get && Seen(get) && !IsOverride(get) => $"{Static(get)}{p.Name}: {Name(p.PropertyType)}{(p.SetMethod is { } set && Seen(set) ? " { get; set }" : "")}",
        FieldInfo f when (f.IsPublic || f.IsFamily) && !f.IsSpecialName => $"{f.Name}: {Name(f.FieldType)}",
        EventInfo e when Seen(e.AddMethod!) => $"event {e.Name}: {Name(e.EventHandlerType!)}",
        _ => null,
    };

    private static bool Seen(MethodBase method) => method.IsPublic || ((method.IsFamily || method.IsFamilyOrAssembly) && !method.DeclaringType!.IsSealed);

    private static bool IsCopy(ConstructorInfo constructor) => constructor.GetParameters() is [{ } only] && only.ParameterType == constructor.DeclaringType;

    private static bool IsOverride(MethodInfo method) => method.GetBaseDefinition() != method;

    private static string Static(MethodInfo method) => method.IsStatic ? "static " : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(p => $"{Name(p.ParameterType)} {p.Name}{(p.IsOptional ? "?" : "")}"));

    private static string Kind(Type type) => typeof(Delegate).IsAssignableFrom(type) ? "delegate"
        : type.IsEnum ? "enum"
        : type.IsInterface ? "interface"
        : type.IsValueType ? "struct"
        : type.IsAbstract && type.IsSealed ? "static class"
        : (type.IsAbstract ? "abstract " : "") + (type.GetMethod("<Clone>$") is null ? "class" : "record");

    private static string Base(Type type) => type is { IsClass: true, BaseType: { } parent } && parent != typeof(object) && !typeof(Delegate).IsAssignableFrom(type) ? $" : {Name(parent)}" : "";

    private static string Full(Type type) => $"{type.Namespace}.{Name(type)}";

    private static string Name(Type type)
    {
        if (type.IsByRef || type.IsArray)
        {
            return Name(type.GetElementType()!) + (type.IsArray ? "[]" : "&");
        }
        string name = (type.IsNested && !type.IsGenericParameter ? Name(type.DeclaringType!) + "." : "") + type.Name.Split('`')[0];
        return type.IsGenericType ? $"{name}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : name;
    }
}
