namespace NextStep.Research;

/// <summary>
/// A folder of <c>.tar</c> shards, at any depth, in the layout of the webdataset project: the files of one sample share their name up to the
/// first dot, and what follows is the field: <c>0001.jpg</c> is the picture of <c>0001</c>, <c>0001.txt</c> its caption, or <c>0001.json</c> with the
/// caption field, while <c>0001.seg.png</c> and <c>0001.url.txt</c> are other fields. Shards are indexed once; a picture is then read at its offset.
/// Same split and same rules as <see cref="FolderSource"/>.
/// </summary>
internal sealed class WebdatasetSource : FileSource
{
    /// <summary>Opens one split of <c>data.path</c>.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">The folder holds no shards that can be read.</exception>
    public WebdatasetSource(DataConfig config, DataSplit split)
        : base(config ?? throw new ArgumentNullException(nameof(config)), split, "webdataset", (files, _) => new ShardReader(config, files).Read())
    {
    }
}
