using System.Reflection;
using Microsoft.Data.Analysis;
using TorchSharp;

namespace NextStep.Research.Notebooks;

/// <summary>Shows types that are not of this assembly as a cell's last value, in hosts with Microsoft's formatters.</summary>
internal static class HostFormatters
{
    /// <summary>Configurations, modules and data frames become tables.</summary>
    public static void Register()
    {
        if (Notebook.Host("Microsoft.DotNet.Interactive.Formatting", "Microsoft.DotNet.Interactive.Formatting.Formatter") is not { } formatter)
        {
            return;
        }
        MethodInfo register = formatter.GetMethod("Register", [typeof(Type), typeof(Action<object, TextWriter>), typeof(string)])
            ?? throw new InvalidOperationException("This host's formatters are of another version; x.AsTable().Display() works all the same.");
        Add<ResearchConfig>(c => c.AsTable());
        Add<torch.nn.Module>(m => m.Summary());
        Add<DataFrame>(f => f.AsTable());

        void Add<T>(Func<T, DataTable> table) =>
            register.Invoke(null, [typeof(T), (object value, TextWriter writer) => writer.Write(table((T)value).ToHtml()), "text/html"]);
    }
}
