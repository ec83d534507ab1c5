using System.IO.Compression;
using System.Reflection;
using System.Runtime.Loader;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace NextStep.Research.Reports;

/// <summary>
/// Plotly.NET in a load context of its own. It needs a newer FSharp.Core than the last .NET Interactive has loaded, and a process's
/// default context holds one version of each assembly. Only strings cross: a figure as JSON goes in, a chart as JSON comes out.
/// </summary>
internal sealed class IsolatedPlotly : AssemblyLoadContext
{
    private static readonly JsonSerializerOptions Options = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };
    private static readonly Lazy<IsolatedPlotly> Shared = new(() => new IsolatedPlotly());

    private readonly string _folder = Path.GetDirectoryName(typeof(IsolatedPlotly).Assembly.Location)!;
    private readonly Func<string, string> _json;
    private readonly Func<string> _script;

    private IsolatedPlotly()
        : base("Plotly.NET")
    {
        Type twin = LoadFromAssemblyPath(typeof(IsolatedPlotly).Assembly.Location).GetType(typeof(IsolatedPlotly).FullName!, throwOnError: true)!;
        _json = Method<Func<string, string>>(nameof(JsonHere));
        _script = Method<Func<string>>(nameof(ScriptHere));

        T Method<T>(string name)
            where T : Delegate => twin.GetMethod(name, BindingFlags.Static | BindingFlags.NonPublic)!.CreateDelegate<T>();
    }

    /// <summary>Plotly's JSON of a figure.</summary>
    public static string Json(Figure figure) => Shared.Value._json(JsonSerializer.Serialize(figure, Options));

    /// <summary>plotly.js.</summary>
    public static string Script() => Shared.Value._script();

    /// <summary>plotly.js, gzipped, in base64: 1.5 MB instead of 3.6.</summary>
    public static string PackedScript()
    {
        using MemoryStream packed = new();
        using (GZipStream zip = new(packed, CompressionLevel.SmallestSize))
        {
            zip.Write(Encoding.UTF8.GetBytes(Script()));
        }
        return Convert.ToBase64String(packed.ToArray());
    }

    /// <summary>What lies beside us, or in packages as we do, is loaded again, here; the rest, .NET itself, is shared.</summary>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        string file = Path.Combine(_folder, assemblyName.Name + ".dll");
        return File.Exists(file) ? LoadFromAssemblyPath(file) : PackageFolders.AreUsed && Packaged(assemblyName) is { } packaged ? LoadFromAssemblyPath(packaged) : null;
    }

    // Where the host finds it, but for the one of which the host has its own.
    private static string? Packaged(AssemblyName name) => name.Name == "FSharp.Core" ? PackageFolders.Find("FSharp.Core", "lib/netstandard2.1/FSharp.Core.dll")
        : Default.LoadFromAssemblyName(name).Location is { Length: > 0 } found && PackageFolders.Root(found) is not null ? found : null;

    // The two that run inside the context, on its own copies of our types.
    private static string JsonHere(string figure) => PlotlyChart.Json(JsonSerializer.Deserialize<Figure>(figure, Options)!);

    private static string ScriptHere() => PlotlyChart.Script();
}
