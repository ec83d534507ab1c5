namespace NextStep.Research;

/// <summary>A built-in 5×7 font, so that sheets need no system fonts. Small letters are drawn as capitals.</summary>
internal static class BitmapFont
{
    /// <summary>Width of one letter without the gap.</summary>
    public const int Width = 5;

    /// <summary>Height of one letter without the gap.</summary>
    public const int Height = 7;

    /// <summary>Width of one letter with the gap.</summary>
    public const int Advance = Width + 1;

    /// <summary>Height of one line with the gap.</summary>
    public const int LineHeight = Height + 2;

    private const string Letters = " ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?'\"()-+*/&#=%_<>|";

    // Seven rows of five bits each, the most significant bit on the left, in the order of Letters.
    private static readonly string[] Rows =
    [
        "00000000000000", "0E11111F111111", "1E11111E11111E", "0E11101010110E", "1E11111111111E", "1F10101E10101F", "1F10101E101010",
        "0E11101713110F", "1111111F111111", "0E04040404040E", "0702020202120C", "11121418141211", "1010101010101F", "111B1515111111",
        "11191915131311", "0E11111111110E", "1E11111E101010", "0E11111115120D", "1E11111E141211", "0F10100E01011E", "1F040404040404",
        "1111111111110E", "11111111110A04", "1111111515150A", "11110A040A1111", "1111110A040404", "1F01020408101F",
        "0E11131519110E", "040C040404040E", "0E11010204081F", "1F02040201110E", "02060A121F0202", "1F101E0101110E", "0608101E11110E",
        "1F010204080808", "0E11110E11110E", "0E11110F01020C",
        "00000000000C0C", "000000000C0408", "000C0C000C0C00", "000C0C000C0408", "04040404040004", "0E110102040004", "04040800000000",
        "0A0A0000000000", "02040808080402", "08040202020408", "0000001F000000", "0004041F040400", "0004150E150400", "00010204081000",
        "0C12140815120D", "0A0A1F0A1F0A0A", "00001F001F0000", "18190204081303", "0000000000001F", "02040810080402", "08040201020408", "04040404040404",
    ];

    /// <summary>Whether the letter has ink at this column and row; an unknown letter is a hollow box.</summary>
    public static bool HasInk(char letter, int column, int row)
    {
        int index = Letters.IndexOf(char.ToUpperInvariant(letter), StringComparison.Ordinal);
        if (index < 0)
        {
            return row is 0 or Height - 1 || column is 0 or Width - 1;
        }
        int bits = Convert.ToInt32(Rows[index].Substring(2 * row, 2), 16);
        return (bits >> (Width - 1 - column) & 1) == 1;
    }

    /// <summary>Breaks a text into lines of at most <paramref name="columns"/> letters; what does not fit ends in a dot.</summary>
    public static string[] Wrap(string text, int columns, int lines)
    {
        List<string> result = [];
        string line = "";
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string part = word.Length > columns ? word[..Math.Max(1, columns - 1)] + "." : word;
            if (line.Length > 0 && line.Length + 1 + part.Length > columns)
            {
                result.Add(line);
                line = "";
            }
            line = line.Length == 0 ? part : $"{line} {part}";
        }
        result.Add(line);
        if (result.Count > lines)
        {
            string last = result[lines - 1];
            result[lines - 1] = (last.Length + 1 > columns ? last[..Math.Max(0, columns - 1)] : last) + ".";
        }
        return [.. result.Take(lines)];
    }
}
