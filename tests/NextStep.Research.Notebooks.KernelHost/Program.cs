using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Commands;
using Microsoft.DotNet.Interactive.CSharp;
using Microsoft.DotNet.Interactive.Events;
using Microsoft.DotNet.Interactive.Formatting;
using Microsoft.DotNet.Interactive.PackageManagement;

// Runs the code cells of a notebook in the kernel that Polyglot Notebooks starts, and writes what it sent to the front end.
string notebook = Path.GetFullPath(args[0]), output = Path.GetFullPath(args[1]);
_ = typeof(Microsoft.FSharp.Core.Unit).FullName; // loaded before any notebook's, as in the tool with its F# kernel
Environment.CurrentDirectory = Path.GetDirectoryName(notebook)!;
Formatter.DefaultMimeType = "text/html";
Formatter.SetPreferredMimeTypesFor(typeof(string), "text/plain");

JsonArray events = [];
List<string> extensions = [];
CompositeKernel kernel = new() { DefaultKernelName = "csharp" };
kernel.Add(new CSharpKernel().UseNugetDirective(AddPackages).UseKernelHelpers().UseValueSharing());
kernel.Add(new HtmlKernel());
kernel.UseImportMagicCommand();
using IDisposable subscription = kernel.KernelEvents.Subscribe(e =>
{
    JsonObject? seen = e switch
    {
        DisplayEvent shown => new JsonObject
        {
            ["id"] = shown.ValueId,
            ["data"] = new JsonObject(shown.FormattedValues.Select(v => KeyValuePair.Create(v.MimeType, (JsonNode?)JsonValue.Create(v.Value)))),
        },
        CommandFailed failed => new JsonObject { ["message"] = failed.Message },
        _ => null,
    };
    if (seen is not null)
    {
        lock (events)
        {
            seen["event"] = e.GetType().Name;
            events.Add(seen);
        }
    }
});
foreach (JsonElement cell in JsonDocument.Parse(File.ReadAllBytes(notebook)).RootElement.GetProperty("cells").EnumerateArray())
{
    if (cell.GetProperty("cell_type").GetString() == "code")
    {
        JsonElement source = cell.GetProperty("source");
        string code = source.ValueKind == JsonValueKind.String ? source.GetString()! : string.Concat(source.EnumerateArray().Select(l => l.GetString()));
        lock (events)
        {
            events.Add(new JsonObject { ["event"] = "Cell", ["id"] = cell.GetProperty("id").GetString() });
        }
        await kernel.SendAsync(new SubmitCode(code));
        // What the tool does once a cell has brought packages; its loader is not in any library.
        foreach (string extension in extensions)
        {
            await kernel.SendAsync(new SubmitCode(File.ReadAllText(extension)));
        }
        extensions.Clear();
    }
}
File.WriteAllText(output, events.ToJsonString());
Environment.Exit(0);

Task AddPackages(CSharpKernel csharp, IReadOnlyList<ResolvedPackageReference> packages)
{
    csharp.AddAssemblyReferences(packages.SelectMany(p => p.AssemblyPaths));
    extensions.AddRange(packages.Select(p => Path.Combine(p.PackageRoot, "interactive-extensions", "dotnet", "extension.dib")).Where(File.Exists));
    return Task.CompletedTask;
}
