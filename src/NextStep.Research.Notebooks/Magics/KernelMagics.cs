using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Directives;

namespace NextStep.Research.Notebooks;

/// <summary>Tells .NET Interactive of <see cref="Magics"/>. Nothing here may be touched in a process without its kernel, whose assembly is not beside ours.</summary>
internal static class KernelMagics
{
    private const string Shown = "Directive: #!";

    /// <summary>Adds the magic commands to the kernel whose cell is running.</summary>
    public static void Register()
    {
        Kernel kernel = Kernel.Root;
        Add("sweep", "Runs an experiment, or continues it, with the states of its cells in one place.",
            new KernelDirectiveParameter("--file", "The experiment file.") { AllowImplicitName = true, Required = true, TypeHint = "file" },
            new KernelDirectiveParameter("--out", "The run folder; default: runs/NAME."),
            new KernelDirectiveParameter("--set", "path=value over the file's; repeatable.") { MaxOccurrences = int.MaxValue });
        Add("status", "Shows what every cell of a run folder is doing.",
            RunFolder(), new KernelDirectiveParameter("--watch", "Keeps the table up to date while somebody works on the run.") { Flag = true });
        Add("report", "Writes the report of a run folder, and shows its claims and the figures of its numbers.", RunFolder());

        void Add(string name, string description, params KernelDirectiveParameter[] parameters) =>
            kernel.AddDirective(new KernelActionDirective($"#!{name}") { Description = description, Parameters = parameters }, (command, context) => Run(name, $"{command}", context));
    }

    private static KernelDirectiveParameter RunFolder() => new("--run", "The run folder.") { AllowImplicitName = true, Required = true };

    // The parameters are what completion and checking know; the line is read here, because the kernel's own reading loses one that comes twice.
    private static Task Run(string name, string shown, KernelInvocationContext context)
    {
        try
        {
            if (!shown.StartsWith(Shown + name, StringComparison.Ordinal))
            {
                throw new InvalidOperationException("This notebook host's magic commands have another shape than those of .NET Interactive 1.0.0-beta.26120.");
            }
            MagicLine.Parse(1, name, shown[(Shown.Length + name.Length)..].Trim())();
        }
        catch (Exception e)
        {
            context.Fail(context.Command, e, e.Message);
        }
        return Task.CompletedTask;
    }
}
