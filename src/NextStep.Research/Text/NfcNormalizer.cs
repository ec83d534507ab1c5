using System.Globalization;
using System.Text;

namespace NextStep.Research;

/// <summary>
/// Unicode normalisation form C (UAX 15). .NET's own <c>string.Normalize</c> returns its input unchanged when globalization is invariant,
/// as it is here so that no ICU has to be installed.
/// </summary>
internal static class NfcNormalizer
{
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TrailBase = 0x11A7;
    private const int Leads = 19, Vowels = 21, Trails = 28, Syllables = Leads * Vowels * Trails;
    private static readonly Lazy<Tables> Data = new(Load);

    /// <summary>The text in form C. Unpaired surrogates become U+FFFD, as in any UTF-8 encoding of the text.</summary>
    public static string Normalize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', '\u02FF') < 0)
        {
            return text; // nothing below U+0300 ever changes
        }
        var tables = Data.Value;
        var points = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            Decompose(rune.Value, tables, points);
        }
        Reorder(points, tables);
        Compose(points, tables);
        var result = new StringBuilder(points.Count);
        foreach (var point in points)
        {
            result.Append(new Rune(point).ToString());
        }
        return result.ToString();
    }

    private static void Decompose(int point, Tables tables, List<int> points)
    {
        var syllable = point - HangulBase;
        if (syllable is >= 0 and < Syllables)
        {
            points.Add(LeadBase + (syllable / (Vowels * Trails)));
            points.Add(VowelBase + (syllable % (Vowels * Trails) / Trails));
            if (syllable % Trails != 0)
            {
                points.Add(TrailBase + (syllable % Trails));
            }
        }
        else if (tables.Parts.TryGetValue(point, out var parts))
        {
            foreach (var part in parts)
            {
                Decompose(part, tables, points);
            }
        }
        else
        {
            points.Add(point);
        }
    }

    // Marks of one run are sorted by class; equal classes keep their order.
    private static void Reorder(List<int> points, Tables tables)
    {
        for (var start = 0; start < points.Count; start++)
        {
            if (tables.Class(points[start]) == 0)
            {
                continue;
            }
            var end = start + 1;
            while (end < points.Count && tables.Class(points[end]) != 0)
            {
                end++;
            }
            var sorted = points.GetRange(start, end - start).OrderBy(tables.Class).ToList();
            for (var i = start; i < end; i++)
            {
                points[i] = sorted[i - start];
            }
            start = end;
        }
    }

    private static void Compose(List<int> points, Tables tables)
    {
        var write = 0;
        var starter = -1;
        var lastClass = 0; // of what was kept since the starter
        for (var read = 0; read < points.Count; read++)
        {
            var point = points[read];
            var mark = tables.Class(point);
            var adjacent = starter == write - 1;
            if (starter >= 0 && (adjacent || (lastClass < mark && lastClass != 0)) && Pair(points[starter], point, tables) is { } composed)
            {
                points[starter] = composed;
                continue;
            }
            if (mark == 0)
            {
                starter = write;
            }
            lastClass = mark;
            points[write++] = point;
        }
        points.RemoveRange(write, points.Count - write);
    }

    private static int? Pair(int first, int second, Tables tables)
    {
        if (first - LeadBase is >= 0 and < Leads && second - VowelBase is >= 0 and < Vowels)
        {
            return HangulBase + ((((first - LeadBase) * Vowels) + second - VowelBase) * Trails);
        }
        if (first - HangulBase is >= 0 and < Syllables && (first - HangulBase) % Trails == 0 && second - TrailBase is > 0 and < Trails)
        {
            return first + second - TrailBase;
        }
        return tables.Composed.TryGetValue(((long)first << 32) | (uint)second, out var composed) ? composed : null;
    }

    private static Tables Load()
    {
        var tables = new Tables([], [], []);
        using var stream = typeof(NfcNormalizer).Assembly.GetManifestResourceStream("NextStep.Research.Text.nfc.txt")!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            if (line[0] == '#')
            {
                continue;
            }
            var fields = line.Split(' ');
            if (fields[0] == "c")
            {
                for (var point = Hex(fields[1]); point <= Hex(fields[2]); point++)
                {
                    tables.Classes.Add(point, int.Parse(fields[3], CultureInfo.InvariantCulture));
                }
                continue;
            }
            var parts = fields[2..].Select(Hex).ToArray();
            tables.Parts.Add(Hex(fields[1]), parts);
            if (fields[0] == "d")
            {
                tables.Composed.Add(((long)parts[0] << 32) | (uint)parts[1], Hex(fields[1]));
            }
        }
        return tables;
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private sealed record Tables(Dictionary<int, int> Classes, Dictionary<int, int[]> Parts, Dictionary<long, int> Composed)
    {
        public int Class(int point) => Classes.GetValueOrDefault(point);
    }
}
