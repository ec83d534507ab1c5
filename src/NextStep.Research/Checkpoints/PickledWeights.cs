namespace NextStep.Research;

/// <summary>The tensors in what a pickle holds, by dotted names.</summary>
/// <param name="Tensors">Those of the weights; a running average of them, kept beside, under <c>ema.</c>.</param>
/// <param name="Objects">What stands among the tensors and is none: name and class.</param>
/// <param name="Beside">What stands beside the weights of a training checkpoint.</param>
internal sealed record PickledWeights(IReadOnlyDictionary<string, PickledTensor> Tensors, IReadOnlyList<string> Objects, IReadOnlyList<string> Beside)
{
    private const int MaximumDepth = 32, MaximumName = 512, MaximumVisits = 200_000;
    private static readonly string[] Wrappers = ["state_dict", "model_state_dict", "model", "module", "weights", "params"];
    private static readonly string[] Averages = ["ema", "model_ema", "ema_model", "ema_state_dict", "state_dict_ema", "model_ema_state_dict", "ema_model_state_dict", "params_ema", "ema_params", "ema_weights", "averaged_model"];
    private static readonly string[] InsideAverages = ["shadow", "ema_model", .. Wrappers];

    /// <exception cref="InvalidDataException">Containers nested without end, or a name twice.</exception>
    public static PickledWeights Collect(object? root)
    {
        var tensors = new Dictionary<string, PickledTensor>(StringComparer.Ordinal);
        var objects = new List<string>();
        var beside = new List<string>();
        var visits = 0;
        void Walk(object? value, string name)
        {
            Visit(value, name, 0, ref visits, (found, tensor) => PickleReader.Require(tensors.TryAdd(found, tensor), $"tensor '{found}' stands there twice"), objects.Add);
        }

        // A training checkpoint keeps its weights beside their average, an optimizer's state and counters.
        object? average = null;
        for (var depth = 0; depth < 4 && Items(root) is { } items && !items.Exists(item => IsWeight(item.Value)); depth++)
        {
            var inner = Wrappers.Select(key => items.Find(item => item.Key is string text && text == key)).FirstOrDefault(item => Items(item.Value) is not null);
            if (inner.Key is null)
            {
                break;
            }
            var averaged = Averages.Select(key => items.Find(item => item.Key is string text && text == key)).FirstOrDefault(item => Items(item.Value) is not null);
            average ??= averaged.Value;
            beside.AddRange(items.Where(item => !ReferenceEquals(item.Value, inner.Value) && (averaged.Key is null || !ReferenceEquals(item.Value, averaged.Value)))
                .Select(item => Describe(FormattableString.Invariant($"{item.Key}"), item.Value)));
            root = inner.Value;
        }
        Walk(root, "");
        if (average is not null)
        {
            for (var depth = 0; depth < 4 && Items(average) is { } items; depth++)
            {
                var inner = InsideAverages.Select(key => items.Find(item => item.Key is string text && text == key).Value).FirstOrDefault(value => Items(value) is not null);
                if (inner is null)
                {
                    break;
                }
                average = inner;
            }
            Walk(average, AverageWeights.Prefix);
        }
        return new PickledWeights(tensors, objects, beside);
    }

    // The state of a random generator, which stands beside the weights too, is bytes; counters have no axis.
    private static bool IsWeight(object? value) => value is PickledTensor { Type: "F32" or "F16" or "BF16" or "F64", Shape.Length: > 0 };

    private static List<(object? Key, object? Value)>? Items(object? value) => (value as PickledDictionary ?? (value as PickledObject)?.Items)?.Items is { Count: > 0 } items ? items : null;

    // A hostile pickle can refer to one container from many places, or from inside itself: depth and visits are bounded.
    private static void Visit(object? value, string name, int depth, ref int visits, Action<string, PickledTensor> add, Action<string> other)
    {
        PickleReader.Require(depth <= MaximumDepth && ++visits <= MaximumVisits, "its containers are nested too deeply or repeat without end");
        switch (value)
        {
            case PickledTensor tensor:
                add(name.Length == 0 ? "tensor" : name, tensor);
                break;
            case PickledDictionary or PickledObject when Items(value) is { } entries:
                foreach (var (key, item) in entries)
                {
                    if (key is string or long)
                    {
                        Visit(item, Join(name, FormattableString.Invariant($"{key}")), depth + 1, ref visits, add, other);
                    }
                    else
                    {
                        other(Describe(Join(name, $"a key of {(key as PickledObject)?.Name ?? key?.GetType().Name ?? "None"}"), item));
                    }
                }
                break;
            case PickledObject or PickledName:
                other(Describe(name, value));
                break;
            case PickledList or PickledTuple:
                var items = value is PickledList list ? list.Items : (IReadOnlyList<object?>)((PickledTuple)value).Items;
                for (var i = 0; i < items.Count; i++)
                {
                    Visit(items[i], Join(name, FormattableString.Invariant($"{i}")), depth + 1, ref visits, add, other);
                }
                break;
        }
    }

    private static string Describe(string name, object? value)
    {
        var kind = value switch
        {
            PickledObject made => made.Name,
            PickledName named => named.ToString(),
            PickledTensor => "a tensor",
            _ => "",
        };
        return name.Length == 0 ? kind : kind.Length == 0 ? name : $"{name} ({kind})";
    }

    private static string Join(string prefix, string name)
    {
        PickleReader.Require(prefix.Length + name.Length <= MaximumName, $"a tensor's name is longer than {MaximumName} characters");
        return prefix.Length == 0 || prefix.EndsWith('.') ? prefix + name : $"{prefix}.{name}";
    }
}
