namespace NextStep.Research;

/// <summary>Finds out whether a picture can be used without decoding it, as far as that can be told.</summary>
internal static class PictureProbe
{
    /// <summary>Size from the head; what looks cut or damaged is decoded, and then the decoder's word counts.</summary>
    public static FileFacts Of(byte[] bytes, string sha256)
    {
        try
        {
            int width, height;
            using (RawPicture.Source source = RawPicture.Open(bytes, ""))
            {
                (width, height) = source.Upright;
            }
            if (!LooksWhole(bytes))
            {
                using RawPicture decoded = RawPicture.Decode(bytes, "");
            }
            return new FileFacts(sha256, width, height, null);
        }
        catch (InvalidDataException e)
        {
            return new FileFacts(sha256, 0, 0, PictureProblem.Reason(e));
        }
    }

    private static bool LooksWhole(byte[] bytes) =>
        PictureParts.IsPng(bytes) ? PictureParts.IsWholePng(bytes)
        : PictureParts.IsJpeg(bytes) ? PictureParts.IsWholeJpeg(bytes)
        : PictureParts.IsWebp(bytes) && PictureParts.IsWholeWebp(bytes);
}
