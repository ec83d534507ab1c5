using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace NextStep.Research.Reports;

/// <summary>Markup. Whatever is put into it with <see cref="Of"/> is escaped unless it is markup itself.</summary>
internal readonly record struct Html(string Markup)
{
    public static readonly Html Empty = new("");

    public static Html Of(HtmlInterpolation markup) => new(markup.ToString());

    public static Html Join(IEnumerable<Html> parts) => new(string.Concat(parts.Select(p => p.Markup)));

    public override string ToString() => Markup;
}

/// <summary>Builds <see cref="Html"/> from <c>$"…{value}…"</c>: literals as they are, values escaped.</summary>
[InterpolatedStringHandler]
internal readonly ref struct HtmlInterpolation
{
    // Letters of all scripts stay readable in the source; markup characters, quotes and controls do not pass.
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    private readonly StringBuilder _builder;

    public HtmlInterpolation(int literalLength, int formattedCount) =>
        _builder = new StringBuilder(literalLength + (formattedCount * 16));

    public void AppendLiteral(string markup) => _builder.Append(markup);

    public void AppendFormatted(Html markup) => _builder.Append(markup.Markup);

    public void AppendFormatted(IEnumerable<Html> parts)
    {
        foreach (Html part in parts)
        {
            _builder.Append(part.Markup);
        }
    }

    public void AppendFormatted(string? text) => _builder.Append(Encoder.Encode(text ?? ""));

    public void AppendFormatted(long number) => _builder.Append(System.Globalization.CultureInfo.InvariantCulture, $"{number}");

    public override string ToString() => _builder.ToString();
}
