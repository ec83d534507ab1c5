namespace NextStep.Research;

/// <summary>From the <c>data</c> node to pictures.</summary>
public static class ImageSources
{
    /// <summary>Opens one split of the configured source. The caller disposes.</summary>
    /// <param name="config">The <c>data</c> node.</param>
    /// <param name="split">Training or held-out pictures.</param>
    /// <param name="seed">Decides the scenes of the shapes world; the split of the other sources does not depend on it.</param>
    /// <exception cref="DirectoryNotFoundException">The folder of a folder source does not exist.</exception>
    public static IImageSource Open(DataConfig config, DataSplit split, long seed)
    {
        ArgumentNullException.ThrowIfNull(config);
        return config.Source.Open(config, split, seed);
    }

    /// <summary>Opens both splits, with one look at the files where there are some. The caller disposes both.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder of a folder source does not exist.</exception>
    internal static (IImageSource Train, IImageSource HeldOut) OpenBoth(DataConfig config, long seed)
    {
        ArgumentNullException.ThrowIfNull(config);
        return config.Source.OpenBoth(config, seed);
    }

    /// <summary>Which data the configured source reads; fast where they did not change since they were last looked at.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder of a folder source does not exist.</exception>
    /// <exception cref="InvalidDataException">A file cannot be read.</exception>
    internal static SourceIdentity Identity(DataConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return SourceIdentity.Of(config);
    }

    /// <summary>Whether a folder is one of shards: there are some at any depth, or only compressed ones, which are then named.</summary>
    public static bool HoldsShards(string folder)
    {
        IReadOnlyList<FolderFile> files = FolderFiles.Of(folder).Files;
        return files.Any(f => SourceFiles.IsShard(f.Name))
            || (files.Any(f => SourceFiles.IsCompressedShard(f.Name)) && !files.Any(f => ImageFile.HasImageExtension(f.Name)));
    }

    /// <summary>The folder that a source reads, checked.</summary>
    internal static string FolderOf(DataConfig config)
    {
        if (string.IsNullOrWhiteSpace(config.Path))
        {
            throw new ArgumentException($"data.path is empty; a {ComponentCatalog.NameOf(config.Source.GetType())} source needs a folder.", nameof(config));
        }
        string folder = DataPath.Absolute(config.Path);
        return Directory.Exists(folder) ? folder : throw new DirectoryNotFoundException($"The data folder '{config.Path}' does not exist (data.path).");
    }
}
