using NextStep.Research.Reports;

namespace NextStep.Research.Notebooks;

/// <summary>A picture as a notebook shows it and as a file keeps it: the bytes of a PNG, no tensor.</summary>
[TypeFormatterSource(typeof(PictureFormatterSource), PreferredMimeTypes = ["image/png"])]
public sealed class Picture
{
    private readonly byte[] _png;

    internal Picture(byte[] png, int width, int height)
    {
        (_png, Width, Height) = (png, width, height);
    }

    /// <summary>The PNG file.</summary>
    public IReadOnlyList<byte> Bytes => _png;

    /// <summary>Pixels across.</summary>
    public int Width { get; }

    /// <summary>Pixels down.</summary>
    public int Height { get; }

    internal byte[] Png => _png;

    /// <summary>An <c>img</c> element that holds the picture itself.</summary>
    public string ToHtml() => $"<img width=\"{Width}\" height=\"{Height}\" alt=\"picture, {Width} by {Height} pixels\" src=\"data:image/png;base64,{Convert.ToBase64String(_png)}\">";

    /// <summary>Writes the PNG file, whole or not at all.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Save(string path) => AtomicFile.Write(path, stream => stream.Write(_png));
}
