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

    private ClaimParser(string text) => _text = text;

    /// <exception cref="FormatException">One sentence with the column.</exception>
    public static IReadOnlyList<ClaimComparison> Parse(string text)
    {
        if (text.Length > LongestTest)
        {
            throw new FormatException($"the test is longer than {LongestTest} characters");
        }
        ClaimParser parser = new(text);
        List<ClaimComparison> comparisons = [parser.Comparison()];
        while (parser.TakeWord("and"))
        {
            comparisons.Add(parser.Comparison());
        }
        return parser.Peek() == '\0' ? comparisons : throw parser.Expected("'and' or the end");
    }

    public static bool TryNumber(string text, out double value) =>
        double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value);

    private ClaimComparison Comparison()
    {
        ClaimTerm left = Sum();
        bool larger = Peek() switch { '>' => true, '<' => false, _ => throw Expected("'<' or '>'") };
        _position++;
        if (_position < _text.Length && _text[_position] == '=')
        {
            _position++;
        }
        return new ClaimComparison(left, larger, Sum());
    }

    private ClaimTerm Sum()
    {
        ClaimTerm term = Product();
        while (Peek() is '+' or '-')
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
        if (name == "trend" && Peek() == '(')
        {
            _position++;
            string metric = Name();
            string? axis = null;
            if (Peek() == ',')
            {
                _position++;
                axis = Name();
            }
            Take(')');
            return new ClaimTerm.Trend(metric, axis);
        }
        if (Peek() != '[')
        {
            throw Expected($"'[' and an arm behind '{name}', as in {name}[baseline],");
        }
        int end = _text.IndexOf(']', _position);
        if (end < 0)
        {
            throw Expected("a closing ']'");
        }
        string arm = _text[(_position + 1)..end].Trim();
        _position = end + 1;
        return new ClaimTerm.Metric(name, arm);
    }

    private string Name()
    {
        Peek();
        int start = _position;
        while (_position < _text.Length && (char.IsAsciiLetterOrDigit(_text[_position]) || _text[_position] is '_' or '.'))
        {
            _position++;
        }
        return _position > start && !char.IsAsciiDigit(_text[start]) ? _text[start.._position] : throw Expected("a metric's name or a number");
    }

    private bool TakeWord(string word)
    {
        Peek();
        if (string.CompareOrdinal(_text, _position, word, 0, word.Length) != 0)
        {
            return false;
        }
        _position += word.Length;
        return true;
    }

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
