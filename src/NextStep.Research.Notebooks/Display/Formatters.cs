using NextStep.Research.Reports;

namespace NextStep.Research.Notebooks;

/// <summary>Found by the notebook host by its shape; see <see cref="TypeFormatterSourceAttribute"/>.</summary>
internal sealed class PictureFormatterSource : IFormatterSource
{
    public IEnumerable<object> CreateTypeFormatters() => [new ValueFormatter("image/png", v => v is Picture picture ? Convert.ToBase64String(picture.Png) : null)];
}

/// <summary>As <see cref="PictureFormatterSource"/>, for whatever shows as markup.</summary>
internal sealed class HtmlFormatterSource : IFormatterSource
{
    public IEnumerable<object> CreateTypeFormatters() => [new ValueFormatter("text/html", v => (v as IShowsAsHtml)?.ToHtml())];
}

/// <summary>Something that shows as markup.</summary>
internal interface IShowsAsHtml
{
    string ToHtml();
}
