using System.Text;

namespace NextStep.Research;

/// <summary>One token per UTF-8 byte, after the structural tokens: any text, no training, long sequences.</summary>
public sealed class ByteTokenizer : TextTokenizer
{
    /// <inheritdoc/>
    public override int VocabularySize => SpecialTokenText.Written.Count + 256;

    /// <inheritdoc/>
    public override SpecialTokens Special => SpecialTokenText.Ids;

    /// <inheritdoc/>
    public override int[] Encode(string text)
    {
        List<int> ids = [];
        foreach ((string piece, int id) in SpecialTokenText.Split(text))
        {
            if (id >= 0)
            {
                ids.Add(id);
            }
            else
            {
                ids.AddRange(Encoding.UTF8.GetBytes(piece).Select(b => b + SpecialTokenText.Written.Count));
            }
        }
        return [.. ids];
    }

    /// <inheritdoc/>
    public override string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        List<byte> bytes = [];
        foreach (int id in ids)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id, nameof(ids));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize, nameof(ids));
            if (id < SpecialTokenText.Written.Count)
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(SpecialTokenText.Written[id]));
            }
            else
            {
                bytes.Add((byte)(id - SpecialTokenText.Written.Count));
            }
        }
        return Encoding.UTF8.GetString([.. bytes]);
    }

    /// <inheritdoc/>
    public override void Save(string folder) => TextTokenizerFiles.Write(folder, new TextTokenizerFiles.Content("bytes", SpecialTokenText.Written, null));
}
