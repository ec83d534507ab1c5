using System.Text.RegularExpressions;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// A <c>.gguf</c> file, llama.cpp's (versions 2 and 3, little-endian): memory-mapped reading. Tensors of a Qwen2 backbone (<c>general.architecture</c> qwen2) map one to one
/// to the model's and have its names; others keep theirs. Q8_0 and Q4_0 are decoded to float32, exactly; other blocks are listed and not read.
/// Source: the format's description in ggml's docs/gguf.md and the block layouts of ggml-common.h.
/// </summary>
internal sealed partial class GgufFile : TensorSource
{
    private const int Block = 32;

    private readonly MappedFile _file;

    private GgufFile(MappedFile file, IReadOnlyDictionary<string, TensorEntry> entries, IReadOnlyDictionary<string, string> metadata) => (_file, Entries, Metadata) = (file, entries, metadata);

    /// <inheritdoc/>
    public override string Path => _file.Path;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Maps the file and checks its whole header; no value is read.</summary>
    /// <exception cref="InvalidDataException">The file is truncated or its header is not consistent; the message names the file and the fault.</exception>
    public static GgufFile Open(string path)
    {
        MappedFile file = new(path);
        try
        {
            file.RefusePlaceholder();
            (IReadOnlyDictionary<string, TensorEntry> stored, IReadOnlyDictionary<string, string> metadata) = new GgufHeader(file).Read();
            bool backbone = metadata.GetValueOrDefault("general.architecture") == "qwen2";
            Dictionary<string, TensorEntry> entries = new(StringComparer.Ordinal);
            foreach (TensorEntry entry in stored.Values)
            {
                string name = backbone ? NameOf(entry.Name) : entry.Name;
                if (!entries.TryAdd(name, entry with { Name = name }))
                {
                    throw new InvalidDataException($"{path}: two tensors are called '{name}', one of them '{entry.Name}' in the file.");
                }
            }
            return new GgufFile(file, entries, metadata);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The model's name of a Qwen2 tensor: <c>blk.3.attn_q.weight</c> is <c>layers.3.self_attn.q_proj.weight</c>. Unknown names stay as they are.</summary>
    internal static string NameOf(string stored)
    {
        Match block = OfBlock().Match(stored);
        string part = block.Success ? block.Groups["part"].Value : stored[..Math.Max(stored.LastIndexOf('.'), 0)];
        string? name = part switch
        {
            "token_embd" => "embed_tokens",
            "output_norm" => "norm",
            "output" => "lm_head",
            "attn_norm" => "input_layernorm",
            "ffn_norm" => "post_attention_layernorm",
            "attn_q" or "attn_k" or "attn_v" => $"self_attn.{part[^1]}_proj",
            "attn_output" => "self_attn.o_proj",
            "ffn_gate" or "ffn_up" or "ffn_down" => $"mlp.{part[4..]}_proj",
            _ => null,
        };
        bool ofBlock = part.StartsWith("attn_", StringComparison.Ordinal) || part.StartsWith("ffn_", StringComparison.Ordinal);
        return name is null || ofBlock != block.Success ? stored : $"{(block.Success ? $"layers.{block.Groups["layer"].Value}." : "")}{name}{stored[stored.LastIndexOf('.')..]}";
    }

    /// <inheritdoc/>
    public override Tensor Read(string name)
    {
        TensorEntry entry = Find(name);
        if (TensorDtypes.Find(entry.StoredType) is { } plain)
        {
            return _file.Tensor(entry.Offset, [.. entry.Shape], plain);
        }
        if (entry.Type is null)
        {
            throw new InvalidDataException($"{Path}: tensor '{name}' is stored as {entry.StoredType}, which this kit does not read; it reads F32, F16, BF16, Q8_0 and Q4_0.");
        }
        Tensor values = empty([.. entry.Shape], ScalarType.Float32);
        if (!Decode(entry, values))
        {
            values.Dispose();
            throw new InvalidDataException($"{Path}: tensor '{name}' has scales that are NaN or infinite; the file is damaged.");
        }
        return values;
    }

    /// <inheritdoc/>
    public override void Release(string name)
    {
        TensorEntry entry = Find(name);
        _file.Release(entry.Offset, entry.ByteLength);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _file.Dispose();

    // Blocks of 32: a float16 scale, then codes; in Q4_0 byte j holds number j in its low and number j + 16 in its high half, 8 added.
    private unsafe bool Decode(TensorEntry entry, Tensor values)
    {
        const int Piece = 1 << 15;
        float* to = (float*)TensorMemory.Address(values);
        int bytes = (int)(entry.ByteLength * Block / Math.Max(entry.Count, 1));
        for (long first = 0, blocks = entry.Count / Block; first < blocks; first += Piece)
        {
            int count = (int)Math.Min(Piece, blocks - first);
            ReadOnlySpan<byte> piece = _file.Span(entry.Offset + (first * bytes), count * bytes);
            for (int b = 0; b < count; b++, to += Block)
            {
                ReadOnlySpan<byte> block = piece.Slice(b * bytes, bytes), codes = block[2..];
                float scale = (float)BitConverter.ToHalf(block);
                if (!float.IsFinite(scale))
                {
                    return false;
                }
                for (int j = 0; j < Block; j++)
                {
                    to[j] = scale * (codes.Length == Block ? (sbyte)codes[j] : (j < 16 ? codes[j] & 15 : codes[j - 16] >> 4) - 8);
                }
            }
        }
        return true;
    }

    [GeneratedRegex(@"\Ablk\.(?<layer>\d{1,6})\.(?<part>[a-z_]+)\.(weight|bias)\z")]
    private static partial Regex OfBlock();
}
