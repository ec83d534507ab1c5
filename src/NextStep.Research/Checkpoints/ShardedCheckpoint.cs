using System.Text.Json;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>A model in several safetensors files with a <c>*.safetensors.index.json</c> that says which tensor is where (Hugging Face layout).</summary>
internal sealed partial class ShardedCheckpoint : TensorSource
{
    private const long MaximumIndex = 100_000_000;
    private const long DefaultShard = 5_000_000_000;
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, IndentSize = 2 };
    private readonly Dictionary<string, SafetensorsFile> _shards = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SafetensorsFile> _where = new(StringComparer.Ordinal);

    private ShardedCheckpoint(string index)
    {
        Path = index;
        var map = ReadIndex(index);
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(index))!;
        var missing = map.Values.Distinct(StringComparer.Ordinal).Where(shard => !File.Exists(System.IO.Path.Combine(folder, shard))).Order(StringComparer.Ordinal).ToArray();
        if (missing.Length > 0)
        {
            throw new FileNotFoundException($"{index}: {Problems.List(missing, "shard is missing", "shards are missing")}. Fetch what is missing, or delete an index that is out of date.");
        }
        try
        {
            foreach (var shard in map.Values.Distinct(StringComparer.Ordinal))
            {
                _shards.Add(shard, SafetensorsFile.Open(System.IO.Path.Combine(folder, shard)));
            }
            CheckAgreement(map);
        }
        catch
        {
            Dispose(disposing: true);
            throw;
        }
        Entries = _where.ToDictionary(pair => pair.Key, pair => pair.Value.Entries[pair.Key], StringComparer.Ordinal);
        Metadata = _shards.Values.FirstOrDefault()?.Metadata ?? new Dictionary<string, string>();
    }

    /// <inheritdoc/>
    public override string Path { get; }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <summary>Metadata of the first shard.</summary>
    public override IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The shard files, without folder.</summary>
    public IReadOnlyCollection<string> Shards => _shards.Keys;

    /// <summary>Opens the index and every shard; no value is read.</summary>
    /// <exception cref="FileNotFoundException">Shards are missing; all are listed.</exception>
    /// <exception cref="InvalidDataException">The index is damaged, names a file outside its folder, or disagrees with the shards.</exception>
    public static ShardedCheckpoint Open(string index) => new(index);

    /// <summary>
    /// Writes <c>model.safetensors</c> into <paramref name="folder"/>, or, where the values exceed <paramref name="maximumShard"/> bytes,
    /// <c>model-00001-of-0000N.safetensors</c> … with an index, written last. A tensor larger than that is a shard of its own.
    /// One tensor at a time is in memory. Weight files of an earlier write are removed.
    /// </summary>
    /// <param name="folder">Created when absent.</param>
    /// <param name="source">Where the tensors come from.</param>
    /// <param name="dtype">Floating-point tensors are cast to this; null keeps each.</param>
    /// <param name="maximumShard">Bytes of values per shard, at least 1.</param>
    /// <param name="name">First part of the file names: <c>model</c>, or <c>diffusion_pytorch_model</c> for diffusers.</param>
    public static void Write(string folder, TensorSource source, ScalarType? dtype = null, long maximumShard = DefaultShard, string name = "model")
    {
        ArgumentNullException.ThrowIfNull(source);
        Write(folder, OutgoingTensor.From(source, dtype), source.Metadata, maximumShard, name);
    }

    internal static void Write(
        string folder, IEnumerable<OutgoingTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null, long maximumShard = DefaultShard, string name = "model")
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumShard, 1);
        Directory.CreateDirectory(folder);
        var shards = Plan(tensors, maximumShard);
        var described = new Dictionary<string, string>(metadata ?? new Dictionary<string, string>()) { ["format"] = "pt" };
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var written = new List<string>();
        for (var i = 0; i < shards.Count; i++)
        {
            var file = shards.Count == 1 ? $"{name}.safetensors" : FormattableString.Invariant($"{name}-{i + 1:d5}-of-{shards.Count:d5}.safetensors");
            written.Add(file);
            SafetensorsFile.Write(System.IO.Path.Combine(folder, file), shards[i], described);
            shards[i].ForEach(tensor => map[tensor.Name] = file);
        }
        if (shards.Count > 1)
        {
            var index = $"{name}.safetensors.index.json";
            written.Add(index);
            var total = shards.Sum(shard => shard.Sum(tensor => tensor.ByteLength));
            AtomicFile.WriteText(System.IO.Path.Combine(folder, index),
                JsonSerializer.Serialize(new { metadata = new { total_size = total }, weight_map = map }, Indented) + "\n");
        }
        var stale = Directory.GetFiles(folder).Select(file => System.IO.Path.GetFileName(file)!)
            .Where(file => ShardName().Match(file) is { Success: true } match && match.Groups[1].Value == name && !written.Contains(file));
        foreach (var file in stale)
        {
            File.Delete(System.IO.Path.Combine(folder, file));
        }
    }

    /// <inheritdoc/>
    public override Tensor Read(string name)
    {
        Find(name);
        return _where[name].Read(name);
    }

    /// <inheritdoc/>
    internal override Tensor ReadInto(WeightMemory memory, string name, ScalarType? dtype)
    {
        Find(name);
        return _where[name].ReadInto(memory, name, dtype);
    }

    /// <inheritdoc/>
    public override void Release(string name)
    {
        Find(name);
        _where[name].Release(name);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var shard in _shards.Values)
        {
            shard.Dispose();
        }
    }

    private static List<List<OutgoingTensor>> Plan(IEnumerable<OutgoingTensor> tensors, long maximumShard)
    {
        var shards = new List<List<OutgoingTensor>> { new() };
        long size = 0;
        foreach (var tensor in tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            if (size + tensor.ByteLength > maximumShard && shards[^1].Count > 0)
            {
                shards.Add([]);
                size = 0;
            }
            shards[^1].Add(tensor);
            size += tensor.ByteLength;
        }
        return shards;
    }

    /// <summary>Which shard of the index holds which tensor; the shards need not be there.</summary>
    internal static Dictionary<string, string> ReadIndex(string index)
    {
        using var file = new MappedFile(index);
        file.RefusePlaceholder();
        if (file.Length > MaximumIndex)
        {
            throw new InvalidDataException($"{index}: an index of {file.Length} bytes is larger than any model needs.");
        }
        try
        {
            using var json = JsonDocument.Parse(file.Span(0, (int)file.Length).ToArray(), new JsonDocumentOptions { MaxDepth = 16 });
            var map = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var item in json.RootElement.GetProperty("weight_map").EnumerateObject())
            {
                var shard = item.Value.GetString() ?? "";
                if (!SafeName().IsMatch(shard))
                {
                    throw new InvalidDataException($"{index}: tensor '{item.Name}' is said to be in '{shard}', which is not a safetensors file in the same folder.");
                }
                if (!map.TryAdd(item.Name, shard))
                {
                    throw new InvalidDataException($"{index}: tensor '{item.Name}' stands there twice.");
                }
            }
            return map;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InvalidDataException($"{index}: not an index of safetensors shards: {e.Message}", e);
        }
    }

    private void CheckAgreement(Dictionary<string, string> map)
    {
        var problems = new List<string>();
        foreach (var (tensor, shard) in map)
        {
            if (_shards[shard].Entries.ContainsKey(tensor))
            {
                _where.Add(tensor, _shards[shard]);
            }
            else
            {
                problems.Add($"{shard} lacks '{tensor}'");
            }
        }
        foreach (var (name, shard) in _shards)
        {
            problems.AddRange(shard.Entries.Keys.Where(key => !map.TryGetValue(key, out var where) || where != name).Select(key => $"{name} has '{key}', which the index does not place there"));
        }
        if (problems.Count > 0)
        {
            throw new InvalidDataException($"{Path}: {Problems.List(problems, "disagreement with the shards", "disagreements with the shards")}");
        }
    }

    // A bare name: no folder, no drive, nothing hidden.
    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.\-]*\.safetensors\z")]
    private static partial Regex SafeName();

    [GeneratedRegex(@"\A(.+?)(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?\z")]
    private static partial Regex ShardName();
}
