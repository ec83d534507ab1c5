using System.Reflection;
using System.Runtime.Loader;
using System.Text;

namespace NextStep.Research.Experiments;

/// <summary>A source or assembly of components that an experiment uses, with its content as it was read.</summary>
/// <param name="File">Its whole path.</param>
/// <param name="Hash">Of its content, 16 hexadecimal digits.</param>
/// <param name="Content">What was compiled or loaded.</param>
public sealed record UsedFile(string File, string Hash, ReadOnlyMemory<byte> Content);

/// <summary>Brings components of the user in: C# source (<c>.cs</c>), compiled, or an assembly (<c>.dll</c>). This runs their code.</summary>
internal static class UsedComponents
{
    private const long Largest = 64 << 20;

    /// <summary>Brings a file's components in; a file that has not changed since is not read again.</summary>
    /// <exception cref="ConfigException">It is absent, does not compile, or has a name that exists already; with file and line.</exception>
    public static UsedFile Use(string file)
    {
        List<ConfigError> errors = [];
        return Use(file, Path.GetFullPath(file), 0, errors) is { } used && errors.Count == 0 ? used : throw new ConfigException(errors);
    }

    /// <summary>As above; what is wrong goes to <paramref name="errors"/>.</summary>
    /// <param name="from">The file that names it.</param>
    /// <param name="file">The source or assembly.</param>
    /// <param name="line">Where it is named.</param>
    /// <param name="errors">Where they go.</param>
    internal static UsedFile? Use(string from, string file, int line, List<ConfigError> errors)
    {
        bool source = file.EndsWith(".cs", StringComparison.OrdinalIgnoreCase);
        if (!source && !file.EndsWith(".dll", StringComparison.OrdinalIgnoreCase))
        {
            errors.Add(new ConfigError(from, line, "uses", $"'{file}' is neither C# source (.cs) nor an assembly (.dll)"));
            return null;
        }
        if (!File.Exists(file) || new FileInfo(file).Length > Largest)
        {
            errors.Add(new ConfigError(from, line, "uses", File.Exists(file) ? $"{file} is larger than {Largest >> 20} MB" : $"there is no file {file}"));
            return null;
        }
        byte[] content = File.ReadAllBytes(file);
        UsedFile used = new(Path.GetFullPath(file), ComponentSource.HashOf(content), content);
        if (ComponentCatalog.Has(used.Hash))
        {
            return used;
        }
        try
        {
            Assembly? assembly = source
                ? ComponentCompiler.Load(file, new UTF8Encoding(false).GetString(content).TrimStart('\uFEFF'), errors)
                : (AssemblyLoadContext.GetLoadContext(typeof(ResearchConfig).Assembly) ?? AssemblyLoadContext.Default).LoadFromStream(new MemoryStream(content));
            if (assembly is null)
            {
                return null;
            }
            ComponentCatalog.Use(assembly, new ComponentSource(used.File, used.Hash));
            return used;
        }
        catch (Exception e) when (e is ArgumentException or BadImageFormatException or ReflectionTypeLoadException or FileLoadException)
        {
            errors.Add(new ConfigError(from, line, "uses", $"{file}: {e.Message}"));
            return null;
        }
    }
}
