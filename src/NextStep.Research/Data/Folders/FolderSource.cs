namespace NextStep.Research;

/// <summary>
/// Any folder of pictures, at any depth, with a table of captions (<c>captions.jsonl</c> or <c>metadata.jsonl</c>) or with a caption file beside each
/// picture. A table rules the folder it lies in and all below. What cannot be used is reported by name and reason. Links are followed, each file
/// is used once, hidden files never.
/// </summary>
internal sealed class FolderSource : FileSource
{
    /// <summary>Opens one split of <c>data.path</c>.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">The folder holds no pictures at all.</exception>
    public FolderSource(DataConfig config, DataSplit split)
        : base(config ?? throw new ArgumentNullException(nameof(config)), split, "folder", (files, index) => new FolderReader(config, files, index).Read())
    {
    }
}
