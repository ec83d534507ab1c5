using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Copies tensors of a checkpoint into a module, strictly: names and shapes must agree, and every disagreement is reported at once.</summary>
internal static class StateDictLoader
{
    /// <summary>Loads parameters and persistent buffers of <paramref name="module"/>, one tensor at a time, cast to the dtype and moved to the device that each has.</summary>
    /// <param name="module">Its tensors must have memory (not the meta device).</param>
    /// <param name="source">The checkpoint.</param>
    /// <param name="rename">Checkpoint name → module name; null skips the tensor. Without it names are equal.</param>
    /// <param name="optional">Module names that the checkpoint may lack, and names (after renaming) that it may have in excess.</param>
    /// <exception cref="InvalidDataException">Missing, unexpected or misshapen tensors: the message lists all, twenty per kind. Nothing was copied.</exception>
    public static void Load(nn.Module module, TensorSource source, Func<string, string?>? rename = null, IReadOnlySet<string>? optional = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        Load(module.state_dict().Select(pair => (pair.Key, pair.Value)), source, rename, optional);
    }

    /// <inheritdoc cref="Load(nn.Module, TensorSource, Func{string, string?}?, IReadOnlySet{string}?)"/>
    public static void Load(IEnumerable<(string Name, Tensor Tensor)> targets, TensorSource source, Func<string, string?>? rename = null, IReadOnlySet<string>? optional = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        var wanted = targets.ToDictionary(target => target.Name, target => target.Tensor, StringComparer.Ordinal);
        var plan = Match(wanted.ToDictionary(pair => pair.Key, pair => pair.Value.shape, StringComparer.Ordinal), source, rename, optional);
        using var guard = no_grad();
        foreach (var (name, stored) in plan)
        {
            var target = wanted[name];
            using var value = source.Read(stored);
            target.copy_(value); // returns the target itself: not to be disposed
        }
    }

    /// <summary>
    /// Gives a module that was built on the meta device its weights, one tensor at a time, each straight to its device: nothing is initialised first, and
    /// host memory holds no more than one tensor beyond those that stay there, in one piece (<see cref="WeightMemory"/>).
    /// </summary>
    /// <param name="module">Its parameters and buffers are on the meta device.</param>
    /// <param name="source">The checkpoint.</param>
    /// <param name="deviceOf">Module name → device.</param>
    /// <param name="dtype">Of floating-point tensors; null keeps what is stored.</param>
    /// <param name="rename">As in <see cref="Load(nn.Module, TensorSource, Func{string, string?}?, IReadOnlySet{string}?)"/>.</param>
    /// <param name="optional">Names that the checkpoint may have in excess; the module's own must all be there.</param>
    /// <param name="progress">Called after each tensor with the bytes read so far and in all.</param>
    /// <param name="scheme">Of a quantized checkpoint, whose vocabulary tables stay in the mapped file where dtype allows it; its matrices are for the CPU.</param>
    /// <exception cref="InvalidDataException">As for <see cref="Load(nn.Module, TensorSource, Func{string, string?}?, IReadOnlySet{string}?)"/>, and nothing was placed; or weights are NaN or infinite.</exception>
    public static void Place(
        nn.Module module, TensorSource source, Func<string, Device> deviceOf, ScalarType? dtype, Func<string, string?>? rename = null, IReadOnlySet<string>? optional = null,
        Action<long, long>? progress = null, WeightScheme? scheme = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(deviceOf);
        var wanted = module.state_dict();
        var shapes = wanted.ToDictionary(pair => pair.Key, pair => scheme is not null && QuantizedWeights.IsChosen(pair.Key, pair.Value.shape, scheme) ? scheme.Shape(pair.Value.shape)! : pair.Value.shape, StringComparer.Ordinal);
        var plan = Match(shapes, source, rename, optional);
        using var guard = no_grad();
        long done = 0, total = plan.Sum(pair => source.Entries[pair.Value].ByteLength);
        var broken = new List<string>();
        using var memory = new WeightMemory(plan.Where(pair => IsCopied(pair.Key) && TypeOf(pair.Value) is not null).Sum(pair => WeightMemory.Room(source.Entries[pair.Value].Shape, TypeOf(pair.Value)!.Value)));
        foreach (var (name, stored) in plan)
        {
            var floating = IsFloating(source.Entries[stored].Type);
            using var value = Read(name, stored);
            if (scheme is not null && WeightScheme.Of(value) is not null)
            {
                QuantizedWeights.Check(source, stored, value);
                wanted[name].requires_grad = false; // codes have no gradient
            }
            if (floating && value.device_type != DeviceType.META && !IsFinite(value))
            {
                broken.Add(stored);
            }
            if (IsMapped(name))
            {
                source.Release(stored); // read to see that it is finite; of a mapped table a drawing looks up a few rows
            }
            TensorMemory.Assign(wanted[name], value);
            progress?.Invoke(done += source.Entries[stored].ByteLength, total);
        }
        if (broken.Count > 0)
        {
            throw new InvalidDataException(
                $"{source.Path}: {Problems.List(broken, "tensor holds values", "tensors hold values").Replace("values:", $"values that are NaN or infinite{(dtype is ScalarType.Float16 ? " (in float16, which ends at 65504)" : "")}:", StringComparison.Ordinal)}; the file is damaged, or its training diverged.");
        }

        bool IsMapped(string name) => scheme is not null && WeightNames.IsTable(name);

        bool IsCopied(string name) => !IsMapped(name) && deviceOf(name).type == DeviceType.CPU;

        ScalarType? TypeOf(string stored) => source.Entries[stored].Type is var type && IsFloating(type) ? dtype ?? type : type;

        Tensor Read(string name, string stored)
        {
            if (IsMapped(name))
            {
                return source.Read(stored, TypeOf(stored), deviceOf(name));
            }
            return IsCopied(name) ? source.ReadInto(memory, stored, TypeOf(stored)) : source.ReadCopy(stored, TypeOf(stored), deviceOf(name));
        }
    }

    private static bool IsFloating(ScalarType? type) => type is ScalarType.Float64 or ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16;

    /// <summary>Which checkpoint tensor goes where, all checked and nothing read: for callers that place tensors themselves.</summary>
    /// <param name="wanted">Module name → shape.</param>
    /// <param name="source">The checkpoint.</param>
    /// <param name="rename">As in <see cref="Load(nn.Module, TensorSource, Func{string, string?}?, IReadOnlySet{string}?)"/>.</param>
    /// <param name="optional">As in <see cref="Load(nn.Module, TensorSource, Func{string, string?}?, IReadOnlySet{string}?)"/>.</param>
    /// <returns>Module name → checkpoint name, in the order of <paramref name="wanted"/>.</returns>
    /// <exception cref="InvalidDataException">The two do not agree.</exception>
    public static IReadOnlyList<KeyValuePair<string, string>> Match(
        IReadOnlyDictionary<string, long[]> wanted, TensorSource source, Func<string, string?>? rename = null, IReadOnlySet<string>? optional = null)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        ArgumentNullException.ThrowIfNull(source);
        var offered = new Dictionary<string, string>(StringComparer.Ordinal);
        List<string> unexpected = [], missing = [], misshapen = [], doubled = [];
        foreach (var stored in source.Entries.Keys)
        {
            var name = rename is null ? stored : rename(stored);
            if (name is null)
            {
                continue;
            }
            if (!offered.TryAdd(name, stored))
            {
                doubled.Add($"{name} (from {offered[name]} and {stored})");
            }
            else if (!wanted.ContainsKey(name) && optional?.Contains(name) != true)
            {
                unexpected.Add(stored);
            }
        }
        var plan = new List<KeyValuePair<string, string>>();
        foreach (var (name, shape) in wanted)
        {
            if (!offered.TryGetValue(name, out var stored))
            {
                if (optional?.Contains(name) != true)
                {
                    missing.Add(name);
                }
            }
            else if (!source.Entries[stored].Shape.SequenceEqual(shape))
            {
                misshapen.Add($"{name} is {source.Entries[stored].ShapeText} in the file and [{string.Join(", ", shape)}] in the model");
            }
            else
            {
                plan.Add(new(name, stored));
            }
        }
        var faults = new StringBuilder();
        Append(faults, missing, "tensor is missing", "tensors are missing");
        Append(faults, unexpected, "tensor is unexpected", "tensors are unexpected");
        Append(faults, misshapen, "tensor has another shape", "tensors have other shapes");
        Append(faults, doubled, "name is given twice", "names are given twice");
        return faults.Length == 0 ? plan : throw new InvalidDataException($"{source.Path} does not fit the model.{faults}");
    }

    // A sum of numbers one of which is none is none; only a sum that overflows needs a second look.
    private static bool IsFinite(Tensor values)
    {
        using var scope = NewDisposeScope();
        return float.IsFinite(values.sum().to_type(ScalarType.Float32).item<float>()) || values.isfinite().all().item<bool>();
    }

    private static void Append(StringBuilder faults, List<string> items, string one, string many)
    {
        if (items.Count > 0)
        {
            faults.Append(Environment.NewLine).Append("  ").Append(Problems.List(items, one, many));
        }
    }
}
