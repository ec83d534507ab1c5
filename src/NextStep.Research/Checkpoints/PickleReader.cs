using System.Buffers.Binary;
using System.Text;

namespace NextStep.Research;

/// <summary>
/// A pickle machine that can build dictionaries, lists, tuples, numbers, strings and descriptions of tensors, and nothing else.
/// It looks no class up and calls no function: the few names in <see cref="PickledCalls"/> are recognised by their spelling, every other one stands for
/// an object that is named and never made.
/// </summary>
internal sealed class PickleReader
{
    public const int MaximumBytes = 1 << 26;
    private const int MaximumSteps = 5_000_000, MaximumStack = 1_000_000;
    private static readonly object Mark = new();
    private readonly Dictionary<uint, object?> _memo = [];
    private readonly List<object?> _stack = [];
    private readonly byte[] _bytes;
    private int _at;

    private PickleReader(byte[] bytes) => _bytes = bytes;

    /// <exception cref="InvalidDataException">The pickle is damaged or wants something other than tensors in plain containers.</exception>
    public static object? Read(ReadOnlySpan<byte> bytes) =>
        bytes.Length <= MaximumBytes
            ? new PickleReader(bytes.ToArray()).Run()
            : throw Fault($"it has {bytes.Length} bytes, more than the {MaximumBytes} that are read");

    private object? Run()
    {
        for (var step = 0; step < MaximumSteps; step++)
        {
            var code = Byte();
            if (code == (byte)'.')
            {
                return _stack.Count == 1 ? Pop() : throw Fault("it ends with other than one value");
            }
            Execute(code);
            if (_stack.Count > MaximumStack)
            {
                throw Fault("its stack grows too high");
            }
        }
        throw Fault($"it takes more than {MaximumSteps} steps");
    }

    private void Execute(byte code)
    {
        switch (code)
        {
            case 0x80: Require(Byte() <= 5, "its protocol is not 0 to 5"); break;
            case 0x95: Take(8); break; // a frame's length says nothing that is needed
            case (byte)'(': _stack.Add(Mark); break;
            case (byte)'0': Pop(); break;
            case (byte)'1': PopToMark(); break;
            case (byte)'2': _stack.Add(Top()); break;
            case (byte)'N': _stack.Add(null); break;
            case 0x88: _stack.Add(true); break;
            case 0x89: _stack.Add(false); break;
            case (byte)'J': _stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
            case (byte)'K': _stack.Add((long)Byte()); break;
            case (byte)'M': _stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
            case 0x8a: _stack.Add(Long(Byte())); break;
            case 0x8b: _stack.Add(Long(Length32())); break;
            case (byte)'I' or (byte)'L': _stack.Add(Number(Line())); break;
            case (byte)'F': Line(); _stack.Add(0.0); break; // no number that carries a tensor is written so
            case (byte)'V': _stack.Add(Line()); break;
            case (byte)'S': _stack.Add(Line().Trim('\'', '"')); break;
            case (byte)'G': _stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;
            case (byte)'X': _stack.Add(Text(Length32())); break;
            case 0x8c: _stack.Add(Text(Byte())); break;
            case 0x8d: _stack.Add(Text(Length64())); break;
            case (byte)'U': _stack.Add(Text(Byte())); break; // a Python 2 string
            case (byte)'T': _stack.Add(Text(Length32())); break;
            case (byte)'C': Take(Byte()); _stack.Add("<bytes>"); break; // byte strings carry no tensor
            case (byte)'B': Take(Length32()); _stack.Add("<bytes>"); break;
            case 0x8e or 0x96: Take(Length64()); _stack.Add("<bytes>"); break;
            case (byte)'}': _stack.Add(new PickledDictionary()); break;
            case (byte)']' or 0x8f: _stack.Add(new PickledList()); break;
            case (byte)')': _stack.Add(new PickledTuple([])); break;
            case 0x85 or 0x86 or 0x87: Tuple(code - 0x84); break;
            case (byte)'t': _stack.Add(new PickledTuple(PopToMark())); break;
            case 0x91: Fill(new PickledList(), PopToMark()); break;
            case (byte)'l': Fill(new PickledList(), PopToMark()); break;
            case (byte)'d': Fill(new PickledDictionary(), PopToMark()); break;
            case (byte)'a': Extend([Pop()]); break;
            case (byte)'e' or 0x90: Extend(PopToMark()); break;
            case (byte)'s': SetOne(); break;
            case (byte)'u': SetItems(PopToMark()); break;
            case (byte)'q': _memo[Byte()] = Top(); break;
            case (byte)'p': _memo[(uint)Number(Line())] = Top(); break;
            case (byte)'g': Recall((uint)Number(Line())); break;
            case (byte)'r': _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Top(); break;
            case 0x94: _memo[(uint)_memo.Count] = Top(); break;
            case (byte)'h': Recall(Byte()); break;
            case (byte)'j': Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))); break;
            case (byte)'c': _stack.Add(PickledCalls.Name(Line(), Line())); break;
            case 0x93: StackGlobal(); break;
            case (byte)'Q': _stack.Add(PickledCalls.Storage(Pop())); break;
            case (byte)'R' or 0x81: Reduce(); break;
            case 0x92: Pop(); Reduce(); break; // keyword arguments make nothing more of an object that is never made
            case (byte)'o' or (byte)'i': Instance(code); break;
            case (byte)'b': Build(); break;
            default: throw Fault($"it holds the instruction 0x{code:x2}, which rebuilding tensors does not need");
        }
    }

    private void Reduce()
    {
        var arguments = Pop();
        var function = Pop();
        _stack.Add(PickledCalls.Apply(function, arguments));
    }

    // torch hangs `_metadata` on the dictionary of weights. State is dropped, whatever it is for: only what lies in containers is looked for.
    private void Build()
    {
        Pop();
        Top();
    }

    private void Instance(byte code)
    {
        var name = code == (byte)'i' ? PickledCalls.Name(Line(), Line()) : null;
        var items = PopToMark();
        Require(name is not null || items is [PickledName, ..], "it makes an object of something that has no name");
        _stack.Add(PickledCalls.Apply(name ?? items[0], new PickledTuple(name is null ? items[1..] : items)));
    }

    private void StackGlobal()
    {
        var name = Pop();
        var module = Pop();
        Require(name is string && module is string, "a global has no name");
        _stack.Add(PickledCalls.Name((string)module!, (string)name!));
    }

    private void Tuple(int count)
    {
        var items = new object?[count];
        while (count > 0)
        {
            items[--count] = Pop();
        }
        _stack.Add(new PickledTuple(items));
    }

    private void Fill(object container, object?[] items)
    {
        _stack.Add(container);
        if (container is PickledList)
        {
            Extend(items);
        }
        else
        {
            SetItems(items);
        }
    }

    private void Extend(object?[] items)
    {
        Require(Top() is PickledList or PickledObject, "it appends to something that is not a list");
        (Top() as PickledList)?.Items.AddRange(items);
    }

    private void SetOne()
    {
        var value = Pop();
        var key = Pop();
        SetItems([key, value]);
    }

    private void SetItems(object?[] items)
    {
        var dictionary = Top() as PickledDictionary ?? (Top() as PickledObject)?.Items;
        Require(dictionary is not null && items.Length % 2 == 0, "it sets items of something that is not a dictionary");
        for (var i = 0; i < items.Length; i += 2)
        {
            dictionary!.Items.Add((items[i], items[i + 1]));
        }
    }

    private void Recall(uint index) => _stack.Add(_memo.TryGetValue(index, out var value) ? value : throw Fault($"it recalls value {index}, which was never kept"));

    private object? Top()
    {
        Require(_stack.Count > 0 && _stack[^1] != Mark, "its stack runs empty");
        return _stack[^1];
    }

    private object? Pop()
    {
        var top = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private object?[] PopToMark()
    {
        var mark = _stack.LastIndexOf(Mark);
        Require(mark >= 0, "a mark is missing");
        var items = _stack.GetRange(mark + 1, _stack.Count - mark - 1).ToArray();
        _stack.RemoveRange(mark, _stack.Count - mark);
        return items;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        Require(count >= 0 && count <= _bytes.Length - _at, "it ends early");
        _at += count;
        return _bytes.AsSpan(_at - count, count);
    }

    private byte Byte() => Take(1)[0];

    private int Length32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    private string Text(int length) => Encoding.UTF8.GetString(Take(length));

    private string Line()
    {
        var length = _bytes.AsSpan(_at).IndexOf((byte)'\n');
        Require(length >= 0, "it ends early");
        var line = Text(length);
        _at++;
        return line;
    }

    // A number of more than 64 bits, a seed of Python's generator for instance, is none of a tensor's: nothing reads it.
    private object Long(int width)
    {
        long value = 0;
        var bytes = Take(width);
        if (width > 8)
        {
            return new PickledObject("a number of more than 64 bits");
        }
        for (var i = 0; i < width; i++)
        {
            value |= (long)bytes[i] << (8 * i);
        }
        return width is > 0 and < 8 && bytes[width - 1] >= 0x80 ? value - (1L << (8 * width)) : value;
    }

    private static long Number(string line)
    {
        Require(long.TryParse(line.TrimEnd('L'), System.Globalization.NumberStyles.AllowLeadingSign, System.Globalization.CultureInfo.InvariantCulture, out var number), "a line is no whole number");
        return number;
    }

    private int Length64()
    {
        var length = BinaryPrimitives.ReadInt64LittleEndian(Take(8));
        Require(length >= 0 && length <= _bytes.Length, "it ends early");
        return (int)length;
    }

    internal static void Require(bool condition, string fault)
    {
        if (!condition)
        {
            throw Fault(fault);
        }
    }

    internal static InvalidDataException Fault(string fault) => new($"the pickle cannot be read: {fault}");
}
