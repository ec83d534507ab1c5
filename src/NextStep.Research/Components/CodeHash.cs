using System.Reflection;
using System.Reflection.Emit;
using System.Security.Cryptography;
using System.Text;

namespace NextStep.Research;

/// <summary>
/// A hash of what a type does, for components without a file: the code of its methods and of all that they use from other such assemblies, with
/// names and texts written out, so that the same lines in another session give the same hash.
/// </summary>
internal static class CodeHash
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
    private static readonly Dictionary<short, OpCode> Codes = typeof(OpCodes).GetFields().Select(f => (OpCode)f.GetValue(null)!).ToDictionary(c => c.Value);

    /// <summary>16 hexadecimal digits: of the assembly's file where it has one.</summary>
    public static string Of(Type type)
    {
        if (type.Assembly.Location.Length > 0)
        {
            return Of(File.ReadAllBytes(type.Assembly.Location));
        }
        StringBuilder text = new();
        Write(type, text, []);
        return Of(Encoding.UTF8.GetBytes(text.ToString()));
    }

    /// <summary>16 hexadecimal digits of a content.</summary>
    public static string Of(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content))[..16];

    private static void Write(Type type, StringBuilder text, HashSet<Type> seen)
    {
        type = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        if (type.HasElementType)
        {
            Write(type.GetElementType()!, text, seen);
            return;
        }
        if (type.IsGenericParameter || type.Assembly.Location.Length > 0 || !seen.Add(type))
        {
            return;
        }
        text.Append(type.Name).Append(':').Append(type.BaseType?.Name).Append('\n');
        List<Type> used = [.. type.GetNestedTypes(All)];
        if (type.BaseType is { } parent)
        {
            used.Add(parent);
        }
        foreach (FieldInfo field in type.GetFields(All))
        {
            text.Append(field.FieldType.Name).Append(' ').Append(field.Name).Append('\n');
            used.Add(field.FieldType);
        }
        foreach (CustomAttributeData attribute in type.GetProperties(All).SelectMany(p => p.GetCustomAttributesData()))
        {
            text.Append(attribute.AttributeType.Name).AppendJoin(',', attribute.ConstructorArguments.Select(a => $"{a.Value}")).Append('\n');
        }
        foreach (MethodBase method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
        {
            text.Append(method.Name).Append('(').AppendJoin(',', method.GetParameters().Select(p => p.ParameterType.Name)).Append(")\n");
            WriteBody(method, text, used);
        }
        used.ForEach(u => Write(u, text, seen));
    }

    private static void WriteBody(MethodBase method, StringBuilder text, List<Type> used)
    {
        byte[] code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (int at = 0; at < code.Length;)
        {
            short value = code[at] == 0xFE ? (short)(0xFE00 | code[at + 1]) : code[at];
            OpCode op = Codes[value];
            at += op.Size;
            text.Append(op.Name).Append(' ');
            int size = op.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
            switch (op.OperandType)
            {
                case OperandType.InlineString:
                    text.Append(method.Module.ResolveString(BitConverter.ToInt32(code, at)));
                    break;
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    MemberInfo? member = method.Module.ResolveMember(
                        BitConverter.ToInt32(code, at), method.DeclaringType is { IsGenericType: true } t ? t.GetGenericArguments() : null, method.IsGenericMethod ? method.GetGenericArguments() : null);
                    text.Append((member?.DeclaringType ?? member as Type)?.Name).Append('.').Append(member?.Name);
                    if ((member as Type ?? member?.DeclaringType) is { } owner)
                    {
                        used.Add(owner);
                    }
                    break;
                default:
                    text.Append(Convert.ToHexStringLower(code, at, size));
                    break;
            }
            text.Append('\n');
            at += size;
        }
    }
}
