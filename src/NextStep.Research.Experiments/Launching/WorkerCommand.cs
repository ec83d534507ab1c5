using System.Diagnostics;

namespace NextStep.Research.Experiments;

/// <summary>How to start a process of our own: a worker that joins a run folder, a notebook's cells, a measurement that wants fresh memory.</summary>
/// <param name="Program">An executable with its whole path, or one found through PATH.</param>
/// <param name="Entry">The assembly, when the program is <c>dotnet</c>; else nothing.</param>
/// <param name="Verb">What comes before the worker's own arguments.</param>
internal sealed record WorkerCommand(string Program, IReadOnlyList<string> Entry, IReadOnlyList<string> Verb)
{
    /// <summary>This process's own program, started with the same host.</summary>
    /// <param name="assembly">Its main assembly, for when it was started through <c>dotnet</c>.</param>
    /// <param name="verb">The verb.</param>
    public static WorkerCommand Of(System.Reflection.Assembly assembly, params IReadOnlyList<string> verb)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        string own = Environment.ProcessPath ?? "dotnet";
        // A test runner or a notebook loads the assembly into a program of another name.
        return Path.GetFileNameWithoutExtension(own) == assembly.GetName().Name
            ? new WorkerCommand(own, [], verb)
            : new WorkerCommand(Path.GetFileNameWithoutExtension(own) == "dotnet" ? own : "dotnet", [assembly.Location], verb);
    }

    /// <summary>The whole command line.</summary>
    internal IEnumerable<string> Line(params IEnumerable<string> arguments) => [Program, .. Entry, .. Verb, .. arguments];

    /// <summary>Starts it with pipes for all three streams.</summary>
    /// <param name="arguments">The worker's own arguments.</param>
    /// <param name="cores">How many cores it may use.</param>
    internal Process Start(IReadOnlyList<string> arguments, int cores)
    {
        ProcessStartInfo start = new(Program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in Line(arguments).Skip(1))
        {
            start.ArgumentList.Add(argument);
        }
        CoreLimit.Put(start.Environment, cores);
        return Process.Start(start) ?? throw new InvalidOperationException($"the worker process {Program} could not be started");
    }
}

/// <summary>How many cores a process may compute with: said to OpenMP and MKL by their variables before it starts.</summary>
internal static class CoreLimit
{
    private static readonly string[] Variables = ["OMP_NUM_THREADS", "MKL_NUM_THREADS"];

    /// <summary>An equal share of this machine's cores, at least one; a lower limit that was set from outside stays.</summary>
    public static int Share(int processes) => Math.Max(1, Environment.ProcessorCount / Math.Max(1, processes));

    internal static void Put(IDictionary<string, string?> environment, int cores)
    {
        foreach (string variable in Variables)
        {
            if (!environment.TryGetValue(variable, out string? set) || !int.TryParse(set, out int limit) || limit > cores)
            {
                environment[variable] = cores.ToString(System.Globalization.CultureInfo.InvariantCulture);
            }
        }
    }
}
