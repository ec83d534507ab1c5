using TorchSharp;

namespace NextStep.Research;

/// <summary>A place that makes a <see cref="Scalar"/> which may be freed while it is in use; see <see cref="Scalars"/>.</summary>
/// <param name="Method">The method, with its type.</param>
/// <param name="Member">What it calls: a conversion, an operator, or a method that makes one inside.</param>
/// <param name="File">Source file, null without a .pdb beside the assembly.</param>
/// <param name="Line">Line of the statement, 0 without.</param>
public sealed record ScalarUse(string Method, string Member, string? File, int Line)
{
    private static readonly Lazy<(HashSet<string> Methods, HashSet<string> Types)> Makers = new(FindMakers);

    /// <summary>All such places of an assembly, in the order of its code. Nothing of it is run.</summary>
    /// <param name="assembly">Path of the .dll; with the .pdb beside it places have lines.</param>
    public static IReadOnlyList<ScalarUse> In(string assembly)
    {
        (HashSet<string> methods, HashSet<string> types) = Makers.Value;
        using MethodCalls calls = new(assembly);
        return [.. calls.All().Where(c => !Owns(c.Caller) && (methods.Contains(c.Callee) || types.Contains(Made(c.Callee))))
            .Select(c => new ScalarUse(c.Caller.Split('(')[0].Replace("::", ".", StringComparison.Ordinal).Replace('+', '.'), Short(c.Callee), c.File, c.Line))];
    }

    /// <summary><c>File(line): method makes a Scalar in member</c>.</summary>
    public override string ToString() => $"{File ?? "?"}({Line}): {Method} makes a Scalar in {Member}";

    private static bool Owns(string caller) => Outer(caller) is { } type
        && (type == typeof(Scalars).FullName || type == typeof(TorchScript).FullName);

    private static string Outer(string method) => method.Split("::")[0].Split('+')[0];

    // The type of which a call gives an instance: a constructor's own, otherwise that of the result.
    private static string Made(string callee) =>
        callee.Contains("::.ctor(", StringComparison.Ordinal) ? callee.Split("::")[0] : callee[(callee.LastIndexOf(')') + 1)..].Split('<')[0];

    private static string Short(string callee) =>
        callee[..(callee.LastIndexOf(')') + 1)].Replace("TorchSharp.", "", StringComparison.Ordinal).Replace("torch+", "", StringComparison.Ordinal).Replace("::", ".", StringComparison.Ordinal).Replace('+', '.');

    // From TorchSharp's own code: whatever converts, whatever calls that, and so on; and modules and optimizers whose virtual methods do.
    private static (HashSet<string> Methods, HashSet<string> Types) FindMakers()
    {
        using MethodCalls torchSharp = new(typeof(torch).Assembly.Location);
        ILookup<string, string> callers = torchSharp.All().ToLookup(c => c.Callee, c => c.Caller);
        HashSet<string> methods = [.. torchSharp.Methods().Where(m => Made(m) == typeof(Scalar).FullName)];
        Queue<string> open = new(methods);
        while (open.TryDequeue(out string? made))
        {
            foreach (string caller in callers[made].Where(methods.Add))
            {
                open.Enqueue(caller);
            }
        }
        Dictionary<string, string> bases = torchSharp.BaseTypes();
        HashSet<string> makers = [.. methods.Where(m => m.Split("::")[1] is { } name && (name.StartsWith("forward(", StringComparison.Ordinal) || name.StartsWith("step(", StringComparison.Ordinal)))
            .Select(m => m.Split("::")[0])];
        return (methods, [.. bases.Keys.Where(Derives)]);

        bool Derives(string type) => makers.Contains(type) || (bases.TryGetValue(type, out string? parent) && Derives(parent));
    }
}
