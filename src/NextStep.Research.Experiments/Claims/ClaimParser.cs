using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>Recursive descent over the text of a claim's test.</summary>
internal sealed class ClaimParser
{
    private const int LongestTest = 1000;
    private const int DeepestNesting = 50;
    private readonly string _text;
    private int _position;
    private int _depth;
    private bool _inEquality;

    private ClaimParser(string text) => _text = text;

    /// <exception cref="FormatException">One sentence with the column.</exception>
    public static IReadOnlyList<ClaimComparison> Parse(string text)
    {
        if (text.Length > LongestTest)
        {
            throw new FormatException($"the test is longer than {LongestTest} characters");
        }
        ClaimParser parser = new(text);
        List<ClaimComparison> comparisons = [.. parser.Comparisons()];
        while (parser.TakeWord("and"))
        {
            comparisons.AddRange(parser.Comparisons());
        }
        return parser.Peek() == '\0' ? comparisons : throw parser.Expected("'and' or the end");
    }

    public static bool TryNumber(string text, out double value) =>
        double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value);

    // a < b < c, or a = b ± margin.
    private List<ClaimComparison> Comparisons()
    {
        (ClaimTerm left, string leftText) = Side();
        List<ClaimComparison> found = [];
        if (Peek() == '=')
        {
            _position++;
            _inEquality = true;
            (ClaimTerm right, string rightText) = Side();
            _inEquality = false;
            if (!TakeWord("±") && !TakeWord("+-"))
            {
                throw Expected("'±' or '+-' and a margin, as in a = b +- 0.1; nothing is ever exactly equal,");
            }
            (ClaimTerm margin, string marginText) = Side();
            if (margin.Terms().All(t => t is ClaimTerm.Number or ClaimTerm.Operation) && margin.Evaluate(_ => null) is not > 0)
            {
                throw new FormatException($"'{_text}', column {_position + 1}: a margin must be above 0, found {marginText}; a = b +- 0.1 says that they differ by less than 0.1");
            }
            found.Add(new ClaimComparison(left, ClaimRelation.Equal, right, $"{leftText} = {rightText} ± {marginText}", margin));
            return found;
        }
        do
        {
            ClaimRelation relation = Peek() switch { '>' => ClaimRelation.Larger, '<' => ClaimRelation.Smaller, _ => throw Expected("'<', '>' or '='") };
            _position++;
            if (_position < _text.Length && _text[_position] == '=')
            {
                _position++;
            }
            (ClaimTerm right, string rightText) = Side();
            found.Add(new ClaimComparison(left, relation, right, $"{leftText} {(relation == ClaimRelation.Larger ? '>' : '<')} {rightText}"));
            (left, leftText) = (right, rightText);
        }
        while (Peek() is '<' or '>');
        return found;
    }

    private (ClaimTerm Term, string Text) Side()
    {
        Peek();
        int start = _position;
        ClaimTerm term = Sum();
        return (term, _text[start.._position].Trim());
    }

    private ClaimTerm Sum()
    {
        ClaimTerm term = Product();
        while (Peek() is '+' or '-' && !(_inEquality && StartsWith("+-")))
        {
            term = new ClaimTerm.Operation(_text[_position++], term, Product());
        }
        return term;
    }

    private ClaimTerm Product()
    {
        ClaimTerm term = Factor();
        while (Peek() is '*' or '/')
        {
            term = new ClaimTerm.Operation(_text[_position++], term, Factor());
        }
        return term;
    }

    private ClaimTerm Factor()
    {
        if (++_depth > DeepestNesting)
        {
            throw new FormatException($"'{_text}' is nested more than {DeepestNesting} levels deep");
        }
        ClaimTerm factor;
        switch (Peek())
        {
            case '-':
                _position++;
                factor = new ClaimTerm.Operation('-', new ClaimTerm.Number(0), Factor());
                break;
            case '(':
                _position++;
                factor = Sum();
                Take(')');
                break;
            case >= '0' and <= '9' or '.':
                factor = Number();
                break;
            default:
                factor = Named();
                break;
        }
        _depth--;
        return factor;
    }

    private ClaimTerm.Number Number()
    {
        int start = _position;
        while (_position < _text.Length && (char.IsAsciiLetterOrDigit(_text[_position]) || _text[_position] == '.'
            || (_text[_position] is '-' or '+' && _text[_position - 1] is 'e' or 'E')))
        {
            _position++;
        }
        string text = _text[start.._position];
        return TryNumber(text, out double value) ? new ClaimTerm.Number(value) : throw new FormatException($"'{_text}', column {start + 1}: '{text}' is no number");
    }

    private ClaimTerm Named()
    {
        string name = Name();
        if (name is "trend" or "effect" or "interaction" && Peek() == '(')
        {
            _position++;
            return Function(name);
        }
        if (Peek() != '[')
        {
            throw Expected($"'[' and an arm behind '{name}', as in {name}[baseline],");
        }
        int end = ClosingBracket();
        string arm = _text[(_position + 1)..end].Trim();
        _position = end + 1;
        return new ClaimTerm.Metric(name, arm);
    }

    // An arm's name may hold lists: alignment[multipliers=[1, 2]].
    private int ClosingBracket()
    {
        int depth = 0;
        for (int i = _position; i < _text.Length; i++)
        {
            depth += _text[i] switch { '[' => 1, ']' => -1, _ => 0 };
            if (depth == 0)
            {
                return i;
            }
        }
        throw Expected("a closing ']'");
    }

    private ClaimTerm.Measured Function(string name)
    {
        List<string> arguments = [Name()];
        while (Peek() == ',')
        {
            _position++;
            arguments.Add(Name());
        }
        Take(')');
        return (name, arguments.Count) switch
        {
            ("trend", 1 or 2) => new ClaimTerm.Trend(arguments[0], arguments.ElementAtOrDefault(1)),
            ("effect", 1 or 2) => new ClaimTerm.Effect(arguments[0], arguments.ElementAtOrDefault(1)),
            ("interaction", 3) => new ClaimTerm.Interaction(arguments[0], arguments[1], arguments[2]),
            _ => throw Expected(name == "interaction" ? "interaction(metric, axis, axis)" : $"{name}(metric) or {name}(metric, axis)"),
        };
    }

    private string Name()
    {
        Peek();
        int start = _position;
        // A hyphen right before a letter belongs to the name: behind a metric's name stands its arm, never an operator.
        while (_position < _text.Length && (char.IsAsciiLetterOrDigit(_text[_position]) || _text[_position] is '_' or '.'
            || (_text[_position] == '-' && _position > start && _position + 1 < _text.Length && char.IsAsciiLetter(_text[_position + 1]))))
        {
            _position++;
        }
        return _position > start && !char.IsAsciiDigit(_text[start]) ? _text[start.._position] : throw Expected("a metric's name or a number");
    }

    private bool TakeWord(string word)
    {
        Peek();
        if (!StartsWith(word))
        {
            return false;
        }
        _position += word.Length;
        return true;
    }

    private bool StartsWith(string word) => string.CompareOrdinal(_text, _position, word, 0, word.Length) == 0;

    private void Take(char c)
    {
        if (Peek() != c)
        {
            throw Expected($"'{c}'");
        }
        _position++;
    }

    private char Peek()
    {
        while (_position < _text.Length && char.IsWhiteSpace(_text[_position]))
        {
            _position++;
        }
        return _position < _text.Length ? _text[_position] : '\0';
    }

    private FormatException Expected(string what) =>
        new($"'{_text}', column {_position + 1}: expected {what} {(_position < _text.Length ? $"before '{_text[_position..]}'" : "at the end")}");
}
