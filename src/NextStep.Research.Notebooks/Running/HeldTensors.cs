using System.Collections;
using System.Reflection;
using TorchSharp;

namespace NextStep.Research.Notebooks;

/// <summary>
/// Tensors that are alive and can be reached from a variable. TorchSharp's own count is of no use here: it counts every parameter that was
/// made from a tensor once too often, for good.
/// </summary>
internal sealed class HeldTensors
{
    private const int MostObjects = 1_000_000;

    private static readonly string[] Opaque = ["System.Reflection", "System.Threading", "System.Runtime", "System.Text", "System.IO", "Microsoft.CodeAnalysis"];

    private readonly HashSet<object> _seen = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Type, FieldInfo[]> _fields = [];
    private readonly Stack<object> _waiting = new();

    /// <summary>Live tensors by variable, those that have any; a tensor is counted for the first that leads to it.</summary>
    public static IReadOnlyDictionary<string, int> Of(IEnumerable<(string Name, object? Value)> variables)
    {
        HeldTensors walk = new();
        Dictionary<string, int> held = [];
        foreach ((string name, object? value) in variables)
        {
            if (walk.Count(value) is > 0 and var count)
            {
                held[name] = count;
            }
        }
        return held;
    }

    private int Count(object? root)
    {
        int count = 0;
        Visit(root);
        while (_waiting.TryPop(out object? next))
        {
            switch (next)
            {
                case torch.Tensor tensor:
                    count += tensor.IsInvalid ? 0 : 1;
                    break;
                case Array array:
                    if (!array.GetType().GetElementType()!.IsPrimitive)
                    {
                        Visit(array);
                    }
                    break;
                default:
                    foreach (FieldInfo field in Fields(next.GetType()))
                    {
                        Visit(field.GetValue(next));
                    }
                    break;
            }
        }
        return count;
    }

    private void Visit(IEnumerable items)
    {
        foreach (object? item in items)
        {
            Visit(item);
        }
    }

    private void Visit(object? value)
    {
        if (value is null or string or MemberInfo or Module or Assembly or Pointer || value.GetType() is var type && (type.IsPrimitive || type.IsEnum || IsOpaque(type)))
        {
            return;
        }
        if (_seen.Count < MostObjects && _seen.Add(value))
        {
            _waiting.Push(value);
        }
    }

    private static bool IsOpaque(Type type) => type.Namespace is { } space && Opaque.Any(o => space.StartsWith(o, StringComparison.Ordinal));

    // Of the type and all below it; what can hold no object is left out.
    private FieldInfo[] Fields(Type type)
    {
        if (!_fields.TryGetValue(type, out FieldInfo[]? fields))
        {
            List<FieldInfo> all = [];
            for (Type? t = type; t is not null && t != typeof(object); t = t.BaseType)
            {
                all.AddRange(t.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                    .Where(f => !f.FieldType.IsPrimitive && !f.FieldType.IsPointer && !f.FieldType.IsByRefLike && !f.FieldType.IsEnum && f.FieldType != typeof(string)));
            }
            _fields[type] = fields = [.. all];
        }
        return fields;
    }
}
