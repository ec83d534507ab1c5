namespace NextStep.Research;

/// <summary>The printable character that stands for each byte in byte-level BPE vocabularies (GPT-2's alphabet).</summary>
internal static class ByteAlphabet
{
    /// <summary>Character of byte 0 to 255: printable Latin-1 stands for itself, the others follow from U+0100 on.</summary>
    public static IReadOnlyList<char> Characters { get; } = Build();

    private static readonly Dictionary<char, byte> Bytes = Characters.Select((c, i) => (c, i)).ToDictionary(pair => pair.c, pair => (byte)pair.i);

    /// <summary>The bytes of every token.</summary>
    /// <exception cref="InvalidDataException">A token uses a character outside the alphabet, or two tokens share an id.</exception>
    public static Dictionary<int, byte[]> Decode(string folder, IReadOnlyDictionary<string, int> vocabulary)
    {
        var decoded = new Dictionary<int, byte[]>(vocabulary.Count);
        foreach (var (token, id) in vocabulary)
        {
            var bytes = new byte[token.Length];
            for (var i = 0; i < token.Length; i++)
            {
                bytes[i] = Bytes.TryGetValue(token[i], out var value) ? value
                    : throw new InvalidDataException($"{folder}: token {id} is not in the byte alphabet; this is not a byte-level vocabulary.");
            }
            if (!decoded.TryAdd(id, bytes))
            {
                throw new InvalidDataException($"{folder}: two tokens have the id {id}.");
            }
        }
        return decoded;
    }

    private static char[] Build()
    {
        var characters = new char[256];
        var next = 256;
        for (var i = 0; i < 256; i++)
        {
            var printable = i is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            characters[i] = printable ? (char)i : (char)next++;
        }
        return characters;
    }
}
