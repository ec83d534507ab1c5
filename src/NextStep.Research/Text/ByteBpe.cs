using System.Text;

namespace NextStep.Research;

/// <summary>Byte-pair encoding over bytes: of all neighbours in a word, those that were learnt first are merged first, from the left. Time grows as n·log n with a word's bytes.</summary>
internal sealed class ByteBpe
{
    private readonly int[] _bytes = new int[256]; // id of each byte
    private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> _merges = [];

    /// <param name="vocabulary">Token, in the byte alphabet, → id.</param>
    /// <param name="merges">Lines of two tokens with a blank between, in the order in which they were learnt.</param>
    /// <exception cref="FormatException">The vocabulary lacks a byte, or a line is no pair of its tokens that make a third.</exception>
    public ByteBpe(IReadOnlyDictionary<string, int> vocabulary, IReadOnlyList<string> merges)
    {
        for (var i = 0; i < 256; i++)
        {
            _bytes[i] = vocabulary.TryGetValue(ByteAlphabet.Characters[i].ToString(), out var id) ? id : throw new FormatException($"there is no token for the byte 0x{i:x2}");
        }
        for (var rank = 0; rank < merges.Count; rank++)
        {
            var parts = merges[rank].Split(' ');
            if (parts.Length != 2 || !vocabulary.TryGetValue(parts[0], out var left) || !vocabulary.TryGetValue(parts[1], out var right) || !vocabulary.TryGetValue(parts[0] + parts[1], out var whole))
            {
                throw new FormatException($"merge {rank + 1}, '{merges[rank]}', is no pair of tokens that make a third");
            }
            _merges.TryAdd((left, right), (rank, whole));
        }
    }

    /// <summary>Appends the ids of one word.</summary>
    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(word)];
        Encoding.UTF8.GetBytes(word, bytes);
        var parts = new int[bytes.Length]; // -1 once it has gone into the part before it
        for (var i = 0; i < bytes.Length; i++)
        {
            parts[i] = _bytes[bytes[i]];
        }
        Merge(parts);
        ids.AddRange(parts.Where(part => part >= 0));
    }

    private void Merge(int[] parts)
    {
        int[] next = [.. Enumerable.Range(1, parts.Length)], before = [.. Enumerable.Range(-1, parts.Length)];
        var waiting = new PriorityQueue<(int At, int Left, int Right, int Whole), long>();
        void Offer(int at)
        {
            if (at >= 0 && next[at] < parts.Length && _merges.TryGetValue((parts[at], parts[next[at]]), out var merge))
            {
                waiting.Enqueue((at, parts[at], parts[next[at]], merge.Id), ((long)merge.Rank << 32) | (uint)at);
            }
        }
        for (var i = 0; i < parts.Length; i++)
        {
            Offer(i);
        }
        while (waiting.TryDequeue(out var pair, out _))
        {
            var (at, left, right, whole) = pair;
            if (parts[at] != left || next[at] >= parts.Length || parts[next[at]] != right)
            {
                continue; // one of the two has been merged since
            }
            var gone = next[at];
            (parts[at], parts[gone], next[at]) = (whole, -1, next[gone]);
            if (next[at] < parts.Length)
            {
                before[next[at]] = at;
            }
            Offer(before[at]);
            Offer(at);
        }
    }
}
