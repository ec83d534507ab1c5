using System.Globalization;
using NextStep.Research.Reports;

namespace NextStep.Research.Notebooks;

/// <summary>Rows and columns of text and numbers.</summary>
/// <param name="Columns">Headings.</param>
/// <param name="Rows">Cells by row, as many as headings; numbers are shown with up to four significant digits behind the point.</param>
[TypeFormatterSource(typeof(HtmlFormatterSource), PreferredMimeTypes = ["text/html"])]
public sealed record DataTable(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<object?>> Rows) : IShowsAsHtml
{
    /// <summary>Longer tables show their first rows.</summary>
    public int MostRows { get; init; } = 60;

    /// <summary>A <c>table</c> element; numbers stand to the right.</summary>
    public string ToHtml()
    {
        Html rest = Rows.Count > MostRows
            ? Html.Of($"<tr><td colspan=\"{Columns.Count}\">… {Rows.Count - MostRows} more rows</td></tr>\n")
            : Html.Empty;
        return Html.Of($"""
            <table>
            <thead><tr>{Columns.Select((c, i) => Html.Of($"<th style=\"text-align:{Side(Rows.Select(r => r[i]).FirstOrDefault(v => v is not null))}\">{c}</th>"))}</tr></thead>
            <tbody>
            {Rows.Take(MostRows).Select(r => Html.Of($"<tr>{r.Select(Cell)}</tr>\n"))}{rest}</tbody>
            </table>
            """).Markup;
    }

    /// <summary>The table as plain text, columns aligned.</summary>
    public override string ToString()
    {
        string[][] all = [[.. Columns], .. Rows.Take(MostRows).Select(r => r.Select(Text).ToArray())];
        int[] widths = [.. Columns.Select((_, c) => all.Max(r => r[c].Length))];
        return string.Join('\n', all.Select(r => string.Join("  ", r.Select((text, c) => c < r.Length - 1 ? text.PadRight(widths[c]) : text))));
    }

    // Said in place, because hosts align tables each in their own way.
    private static string Side(object? value) => value is IFormattable and not Enum ? "right" : "left";

    private static Html Cell(object? value) => Html.Of($"<td style=\"text-align:{Side(value)}\">{Text(value)}</td>");

    private static string Text(object? value) => value switch
    {
        null => "",
        double d => Number(d),
        float f => Number(f),
        int or long => string.Create(CultureInfo.InvariantCulture, $"{value:N0}"),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static string Number(double value) => value.ToString("G5", CultureInfo.InvariantCulture);
}
