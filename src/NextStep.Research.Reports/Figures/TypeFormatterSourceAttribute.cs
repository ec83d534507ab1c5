namespace NextStep.Research.Reports;

/// <summary>
/// Notebook hosts find this attribute by its name, and the source and its formatters by their shape: types that carry it show
/// themselves, and neither they nor their users need a package of the host.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class TypeFormatterSourceAttribute(Type formatterSourceType) : Attribute
{
    /// <summary>Has a constructor without parameters and <c>IEnumerable&lt;object&gt; CreateTypeFormatters()</c>.</summary>
    public Type FormatterSourceType { get; } = formatterSourceType;

    /// <summary>What a host shows of the type, the best first.</summary>
    public string[]? PreferredMimeTypes { get; set; }
}

/// <summary>One rendering of a value, as hosts call it.</summary>
/// <param name="mimeType">Of what it writes.</param>
/// <param name="render">The rendering, or null for values that are not its own.</param>
internal sealed class ValueFormatter(string mimeType, Func<object, string?> render)
{
    public string MimeType { get; } = mimeType;

    public bool Format(object instance, TextWriter writer)
    {
        if (render(instance) is not { } text)
        {
            return false;
        }
        writer.Write(text);
        return true;
    }
}

/// <summary>What a formatter source offers to a host, which makes an object of it and calls its method by name.</summary>
internal interface IFormatterSource
{
    IEnumerable<object> CreateTypeFormatters();
}
