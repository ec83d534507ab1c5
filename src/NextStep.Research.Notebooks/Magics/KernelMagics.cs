using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Commands;
using Microsoft.DotNet.Interactive.Directives;

namespace NextStep.Research.Notebooks;

/// <summary>Tells .NET Interactive of <see cref="Magics"/>. Nothing here may be touched in a process without its kernel, whose assembly is not beside ours.</summary>
internal static class KernelMagics
{
    /// <summary>Adds the magic commands to the kernel whose cell is running.</summary>
    public static void Register()
    {
        Kernel kernel = Kernel.Root;
        kernel.AddDirective<SweepMagic>(
            new KernelActionDirective("#!sweep")
            {
                Description = "Runs an experiment, or continues it, with the states of its cells in one place.",
                KernelCommandType = typeof(SweepMagic),
                Parameters =
                [
                    new KernelDirectiveParameter("--file", "The experiment file.") { AllowImplicitName = true, Required = true, TypeHint = "file" },
                    new KernelDirectiveParameter("--out", "The run folder; default: runs/NAME."),
                    new KernelDirectiveParameter("--set", "path=value over the file's; repeatable.") { MaxOccurrences = int.MaxValue },
                ],
            },
            (magic, context) => Run(context, () => Magics.Sweep(magic.File, magic.Out, magic.Set)));
        kernel.AddDirective<StatusMagic>(
            new KernelActionDirective("#!status")
            {
                Description = "Shows what every cell of a run folder is doing.",
                KernelCommandType = typeof(StatusMagic),
                Parameters = [RunFolder(), new KernelDirectiveParameter("--watch", "Keeps the table up to date while somebody works on the run.") { Flag = true }],
            },
            (magic, context) => Run(context, () => Magics.Status(magic.Run, magic.Watch)));
        kernel.AddDirective<ReportMagic>(
            new KernelActionDirective("#!report")
            {
                Description = "Writes the report of a run folder, and shows its claims and the figures of its numbers.",
                KernelCommandType = typeof(ReportMagic),
                Parameters = [RunFolder()],
            },
            (magic, context) => Run(context, () => Magics.Report(magic.Run)));
    }

    private static KernelDirectiveParameter RunFolder() => new("--run", "The run folder.") { AllowImplicitName = true, Required = true };

    private static Task Run(KernelInvocationContext context, Action work)
    {
        try
        {
            work();
        }
        catch (Exception e)
        {
            context.Fail(context.Command, e, e.Message);
        }
        return Task.CompletedTask;
    }
}

/// <summary><c>#!sweep FILE [--out RUN] [--set path=value …]</c>; the kernel fills its properties from the parameters of the same names.</summary>
internal sealed class SweepMagic : KernelDirectiveCommand
{
    public string File { get; set; } = "";

    public string? Out { get; set; }

    [JsonConverter(typeof(OneOrMany))]
    public string[] Set { get; set; } = [];

    /// <summary>The kernel hands over a list where a repeatable parameter came twice, and the bare value where it came once.</summary>
    private sealed class OneOrMany : JsonConverter<string[]>
    {
        public override string[] Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            JsonElement.ParseValue(ref reader) is var given && given.ValueKind == JsonValueKind.Array ? [.. given.EnumerateArray().Select(v => v.ToString())] : [given.ToString()];

        public override void Write(Utf8JsonWriter writer, string[] value, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, value);
    }
}

/// <summary><c>#!status RUN [--watch]</c>.</summary>
internal sealed class StatusMagic : KernelDirectiveCommand
{
    public string Run { get; set; } = "";

    public bool Watch { get; set; }
}

/// <summary><c>#!report RUN</c>.</summary>
internal sealed class ReportMagic : KernelDirectiveCommand
{
    public string Run { get; set; } = "";
}
