namespace NextStep.Research;

/// <summary>
/// The small model that comes with the library: the shapes world at 32 px, text to image and editing, under 10 MB in bfloat16. Trained by
/// <c>experiments/small-model.yaml</c>; what it reaches stands in the <c>README.md</c> of its folder.
/// </summary>
public static class ShippedModel
{
    /// <summary>Where it lies, in the released layout: beside the library.</summary>
    public static string Folder { get; } = Path.Combine(Path.GetDirectoryName(typeof(ShippedModel).Assembly.Location) ?? AppContext.BaseDirectory, "ShippedModel");

    /// <summary>How a configuration names it where a model's folder is asked for.</summary>
    public const string Name = "shipped";

    /// <summary>The folder that a configuration names: <see cref="Folder"/> for <see cref="Name"/>, else a path.</summary>
    internal static string FolderOf(string name) => name == Name ? Folder : DataPath.Absolute(name);

    /// <summary>Loads it on the CPU in float32, in evaluation mode. The caller disposes.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder was not copied along with the library.</exception>
    public static LoadedModel Load() => ReleasedFolder.Load(Folder);
}
