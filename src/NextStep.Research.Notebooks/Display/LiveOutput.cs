using System.Reflection;

namespace NextStep.Research.Notebooks;

/// <summary>
/// One place on the page whose content is replaced, in every cell that it is shown from; lines of text where there is no notebook.
/// (<c>x.Display().Update(y)</c> does not do that in the last .NET Interactive: both get ids of their own.)
/// </summary>
/// <example><code>
/// LiveOutput place = new();
/// for (int i = 0; i &lt; 10; i++) { place.Show(Draw(i).AsGrid()); }
/// </code></example>
public sealed class LiveOutput
{
    private const string Formatting = "Microsoft.DotNet.Interactive.Formatting";

    private object? _shown;

    /// <summary>Whether a notebook shows it, so that it pays to show often.</summary>
    public static bool IsOnPage => Notebook.Host(Formatting, $"{Formatting}.DisplayedValue") is not null;

    /// <summary>Shows <paramref name="value"/> in place of what was shown before.</summary>
    public void Show(object value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!IsOnPage)
        {
            Console.WriteLine(value);
        }
        else if (_shown is null)
        {
            _shown = First(value);
        }
        else
        {
            _shown.GetType().GetMethod("Update")!.Invoke(_shown, [value]);
        }
    }

    // As the library's own Display does it, but keeping the very object that the host was told of.
    private static object First(object value)
    {
        Type formatted = Notebook.Host(Formatting, $"{Formatting}.FormattedValue")!, displayed = Notebook.Host(Formatting, $"{Formatting}.DisplayedValue")!;
        object? renderings = formatted.GetMethod("CreateManyFromObject")?.Invoke(null, [value, Array.Empty<string>()]);
        MethodInfo? raise = Notebook.Host(Formatting, $"{Formatting}.Formatter")!.GetMethod("RaiseFormatterEvent", BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public);
        if (raise is null || renderings is null)
        {
            throw new InvalidOperationException("This notebook host's display has another shape than that of .NET Interactive 1.0.0-beta.26120.");
        }
        object shown = Activator.CreateInstance(displayed, value, renderings)!;
        raise.Invoke(null, [shown]);
        return shown;
    }
}
