namespace NextStep.Research;

/// <summary>Which files of a folder hold weights.</summary>
public static class CheckpointFiles
{
    private const int Depth = 2;

    /// <summary>
    /// Every file under <paramref name="path"/> that <see cref="TensorSource.OpenAny"/> can open, in name order: an index stands for its shards,
    /// two levels of folders are searched (<c>vae/</c>, <c>checkpoint/</c>). A file stands for itself.
    /// </summary>
    /// <exception cref="FileNotFoundException">Nothing there.</exception>
    public static IReadOnlyList<string> Find(string path)
    {
        if (File.Exists(path))
        {
            return [path];
        }
        if (!Directory.Exists(path))
        {
            throw new FileNotFoundException($"{path}: no such file or folder.", path);
        }
        var found = new List<string>();
        Search(path, Depth, found);
        return found.Count > 0 ? found : throw new FileNotFoundException($"{path}: no .safetensors, .safetensors.index.json or torch file (.pt, .pth, .bin, .ckpt) in this folder.", path);
    }

    private static void Search(string folder, int depth, List<string> found)
    {
        var indexes = WeightFiles.Visible(folder, "*.safetensors.index.json");
        var sharded = new HashSet<string>(StringComparer.Ordinal);
        foreach (var index in indexes)
        {
            using var source = ShardedCheckpoint.Open(index);
            sharded.UnionWith(source.Shards);
        }
        found.AddRange(indexes
            .Concat(WeightFiles.Visible(folder, "*.safetensors").Where(file => !sharded.Contains(Path.GetFileName(file))))
            .Concat(WeightFiles.Torch(folder)).Order(StringComparer.Ordinal));
        if (depth > 0)
        {
            foreach (var inner in Directory.GetDirectories(folder).Where(inner => !Path.GetFileName(inner).StartsWith('.')).Order(StringComparer.Ordinal))
            {
                Search(inner, depth - 1, found);
            }
        }
    }
}
