namespace NextStep.Research;

/// <summary>Which of a checkpoint's weights are used where it holds both.</summary>
public enum WeightChoice
{
    /// <summary>The running average over training.</summary>
    Ema,

    /// <summary>Those of the last step.</summary>
    Model,
}

/// <summary>
/// Running averages of weights beside the weights themselves: under a prefix (<c>ema.</c>, <c>model_ema.</c>, names without dots as Lightning's <c>LitEma</c> writes them), in a
/// dictionary of a torch file, or in a file of its own (<c>ema.safetensors</c>, <c>x.ema.safetensors</c> or <c>x.non_ema.safetensors</c>).
/// </summary>
internal static class AverageWeights
{
    /// <summary>What the tensors of an average that a torch file keeps in a dictionary of its own are called with.</summary>
    internal const string Prefix = "ema.";

    private static readonly string[] Prefixes = [Prefix, "model_ema.", "ema_model.", "module_ema.", "params_ema.", "ema_params.", "ema_weights.", "averaged_model."];
    private const string Online = "online_model.";
    private static readonly HashSet<string> Bookkeeping = new(StringComparer.Ordinal) { "decay", "num_updates", "n_averaged", "initted", "step", "updates", "optimization_step" };

    /// <summary>Opens the weights that are meant; what had to be chosen is said.</summary>
    /// <param name="path">As for <see cref="TensorSource.OpenAny"/>.</param>
    /// <param name="choice">Null = the average where there is one.</param>
    /// <param name="notes">Gets a sentence for every choice, and for what is not read.</param>
    /// <exception cref="InvalidDataException">An average is wanted and there is none, or the file is damaged.</exception>
    public static TensorSource Open(string path, WeightChoice? choice, ICollection<string> notes)
    {
        ArgumentNullException.ThrowIfNull(notes);
        var source = TensorSource.OpenAny(path);
        TensorSource? beside = null;
        try
        {
            var files = Directory.Exists(path) ? WeightFiles.Find(path) : null;
            files?.Notes.ToList().ForEach(notes.Add);
            if (source.Others.Count > 0)
            {
                notes.Add($"{source.Path}: read are the tensors alone; {Problems.List([.. source.Others], "other thing is", "other things are")} left aside.");
            }
            if (files?.Average is null && !source.Entries.Keys.Any(name => Array.Exists(Prefixes, WeightNames.WithoutWrappers(name).StartsWith)))
            {
                return choice != WeightChoice.Ema ? source
                    : throw new InvalidDataException($"{source.Path}: there is no running average of the weights here; leave out --weights ema.");
            }
            var (raw, average) = Split(source);
            if (average.Count == 0 && files?.Average is { } file)
            {
                beside = TensorSource.OpenAny(file);
                average = beside.Entries.Keys.Where(name => !Bookkeeping.Contains(name)).ToDictionary(Without, name => name, StringComparer.Ordinal);
                if (choice == WeightChoice.Model)
                {
                    notes.Add($"{source.Path}: the weights of the last step; --weights ema takes their average, {file}.");
                    beside.Dispose();
                    return source;
                }
                notes.Add($"{file}: the running average of the weights; --weights model takes those of the last step, {source.Path}.");
                return new SelectedSource(Chosen(raw, source, average, beside), source, beside);
            }
            if (choice == WeightChoice.Model)
            {
                notes.Add($"{source.Path}: the weights of the last step; --weights ema takes their average, which is there too.");
                return raw.Count == 0 ? throw new InvalidDataException($"{source.Path}: only the running average of the weights is here; leave out --weights model.")
                    : new SelectedSource(raw.ToDictionary(pair => pair.Key, pair => (source, pair.Value), StringComparer.Ordinal), source);
            }
            var left = raw.Keys.Count(name => !average.ContainsKey(name));
            var rest = left == 0 ? "" : $" ({average.Count} tensors; {left} that have none are those of the last step)";
            notes.Add(raw.Count == 0 ? $"{source.Path}: the running average of the weights; there are no others." : $"{source.Path}: the running average of the weights{rest}; --weights model takes those of the last step.");
            return new SelectedSource(Chosen(raw, source, average, source), source);
        }
        catch
        {
            source.Dispose();
            beside?.Dispose();
            throw;
        }
    }

    private static Dictionary<string, (TensorSource, string)> Chosen(Dictionary<string, string> raw, TensorSource source, Dictionary<string, string> average, TensorSource averaged)
    {
        var chosen = raw.ToDictionary(pair => pair.Key, pair => (source, pair.Value), StringComparer.Ordinal);
        foreach (var (name, stored) in average)
        {
            chosen[name] = (averaged, stored);
        }
        return chosen;
    }

    // Plain name → stored name, of the weights and of their average.
    private static (Dictionary<string, string> Raw, Dictionary<string, string> Average) Split(TensorSource source)
    {
        var raw = new Dictionary<string, string>(StringComparer.Ordinal);
        var average = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var stored in source.Entries.Keys)
        {
            var name = WeightNames.WithoutWrappers(stored);
            var prefix = Array.Find(Prefixes, name.StartsWith);
            name = prefix is null ? name : name[prefix.Length..];
            if (prefix is null)
            {
                Add(raw, Without(name.StartsWith(Online, StringComparison.Ordinal) ? name[Online.Length..] : name), stored, source);
            }
            else if (!Bookkeeping.Contains(name))
            {
                Add(average, Without(name), stored, source);
            }
        }
        if (average.Count > 0)
        {
            foreach (var name in Bookkeeping)
            {
                raw.Remove(name);
            }
        }
        var dotless = raw.Keys.GroupBy(name => name.Replace(".", "", StringComparison.Ordinal), StringComparer.Ordinal).Where(group => group.Count() == 1).ToDictionary(group => group.Key, group => group.Single());
        return (raw, average.ToDictionary(pair => dotless.TryGetValue(pair.Key, out var whole) ? whole : pair.Key, pair => pair.Value, StringComparer.Ordinal));
    }

    private static void Add(Dictionary<string, string> names, string name, string stored, TensorSource source)
    {
        if (!names.TryAdd(name, stored))
        {
            throw new InvalidDataException($"{source.Path}: '{names[name]}' and '{stored}' are both called '{name}' without what training wraps around names.");
        }
    }

    private static string Without(string name)
    {
        name = WeightNames.WithoutWrappers(name);
        return WeightNames.WithoutWrappers(name.StartsWith("model.", StringComparison.Ordinal) ? name["model.".Length..] : name);
    }
}
