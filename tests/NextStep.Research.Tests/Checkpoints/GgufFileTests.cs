using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>GGUF files, written here byte by byte: names, shapes, blocks; and what is damaged, refused.</summary>
public sealed class GgufFileTests : IDisposable
{
    private readonly IDisposable _guard = no_grad();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _folder.Dispose();
        _scope.Dispose();
        _guard.Dispose();
    }

    [Theory]
    [InlineData("token_embd.weight", "embed_tokens.weight")]
    [InlineData("output_norm.weight", "norm.weight")]
    [InlineData("output.weight", "lm_head.weight")]
    [InlineData("blk.0.attn_norm.weight", "layers.0.input_layernorm.weight")]
    [InlineData("blk.12.attn_k.bias", "layers.12.self_attn.k_proj.bias")]
    [InlineData("blk.1.attn_output.weight", "layers.1.self_attn.o_proj.weight")]
    [InlineData("blk.1.ffn_norm.weight", "layers.1.post_attention_layernorm.weight")]
    [InlineData("blk.47.ffn_down.weight", "layers.47.mlp.down_proj.weight")]
    [InlineData("blk.1.ffn_gate_inp.weight", "blk.1.ffn_gate_inp.weight")]
    [InlineData("attn_q.weight", "attn_q.weight")]
    [InlineData("blk.1.output.weight", "layers.1.lm_head.weight", true)]
    [InlineData("rope_freqs.weight", "rope_freqs.weight")]
    [InlineData("plain", "plain")]
    public void Names_of_a_qwen2_backbone_are_the_models(string stored, string wanted, bool never = false) => Assert.Equal(never ? stored : wanted, GgufFile.NameOf(stored));

    [Fact]
    public void A_whole_backbone_maps_one_to_one_and_fits_the_model()
    {
        using CausalTransformer backbone = new(TinyModels.Transformer(40) with { AttentionBias = true, HiddenSize = 64, IntermediateSize = 96, Heads = 4, HeadDim = 16 });
        TinyModels.Randomize(backbone, 5);
        List<Stored> tensors = [.. backbone.named_parameters().Select(p => Plain(Gguf(p.name), p.parameter))];
        string path = Write(tensors);
        using TensorSource source = TensorSource.OpenAny(path);
        Assert.Equal(backbone.named_parameters().Select(p => p.name).Order(), source.Entries.Keys.Order());
        Assert.All(backbone.named_parameters(), p => TensorAssert.Same(p.parameter, source.Read(p.name), p.name));
        using CausalTransformer other = new(backbone.Config);
        StateDictLoader.Load(other, source);
        Assert.All(backbone.named_parameters().Zip(other.named_parameters()), p => TensorAssert.Same(p.First.parameter, p.Second.parameter));

        static string Gguf(string name) => name switch
        {
            "embed_tokens.weight" => "token_embd.weight",
            "norm.weight" => "output_norm.weight",
            "lm_head.weight" => "output.weight",
            _ => name.Replace("layers.", "blk.", StringComparison.Ordinal).Replace("self_attn.o_proj", "attn_output", StringComparison.Ordinal).Replace("self_attn.", "attn_", StringComparison.Ordinal)
                .Replace("mlp.", "ffn_", StringComparison.Ordinal).Replace("_proj", "", StringComparison.Ordinal).Replace("input_layernorm", "attn_norm", StringComparison.Ordinal)
                .Replace("post_attention_layernorm", "ffn_norm", StringComparison.Ordinal),
        };
    }

    [Fact]
    public void Blocks_are_decoded_halves_are_mapped_and_other_blocks_are_listed()
    {
        byte[] eight = [.. Half(0.5f), .. Enumerable.Range(0, 32).Select(i => (byte)(sbyte)(i - 16))], four = [.. Half(-2f), .. Enumerable.Range(0, 16).Select(i => (byte)(i | ((15 - i) << 4)))];
        string path = Write(
        [
            new("eight", [2, 32], 8, [.. eight, .. eight]), new("four", [1, 32], 2, four), new("half", [3], 1, [.. Half(1), .. Half(2), .. Half(-0.25f)]), new("brain", [1], 30, [0x80, 0x3F]),
            new("kept", [1, 256], 12, new byte[144]),
        ]);
        using TensorSource source = TensorSource.OpenAny(path);
        Assert.Equal("[2, 32]", source.Entries["eight"].ShapeText);
        Assert.Equal([.. Enumerable.Range(0, 64).Select(i => ((i % 32) - 16) * 0.5f)], source.Read("eight").data<float>().ToArray());
        Assert.Equal([.. Enumerable.Range(0, 32).Select(i => -2f * ((i < 16 ? i : 15 - (i - 16)) - 8))], source.Read("four").data<float>().ToArray());
        Assert.Equal([1f, 2, -0.25f], source.Read("half").to_type(ScalarType.Float32).data<float>().ToArray());
        Assert.Equal(ScalarType.BFloat16, source.Read("brain").dtype);
        Assert.Equal("Q4_K", source.Entries["kept"].StoredType);
        Assert.Contains("'kept' is stored as Q4_K", Assert.Throws<InvalidDataException>(() => source.Read("kept")).Message, StringComparison.Ordinal);
        Assert.Equal("qwen2", source.Metadata["general.architecture"]);
        Assert.Equal("[3 values]", source.Metadata["tokenizer.ggml.tokens"]);
        Assert.Equal("1000000", source.Metadata["qwen2.rope.freq_base"]);
    }

    [Fact]
    public void A_converted_file_is_read_back()
    {
        byte[] eight = [.. Half(0.5f), .. Enumerable.Range(0, 32).Select(i => (byte)(sbyte)(i - 16))];
        string path = Write([new("blk.0.attn_q.weight", [1, 32], 8, eight)]), output = _folder.File("out.safetensors");
        CheckpointConverter.Convert(path, output, new ConversionOptions { Dtype = ScalarType.BFloat16 });
        using TensorSource source = TensorSource.OpenAny(output);
        Assert.Equal([.. Enumerable.Range(0, 32).Select(i => (i - 16) * 0.5f)], source.Read("layers.0.self_attn.q_proj.weight").to_type(ScalarType.Float32).data<float>().ToArray());
    }

    [Fact]
    public void What_is_damaged_is_refused_by_file_and_fault()
    {
        byte[] eight = [.. Half(0.5f), .. new byte[32]];
        Stored good = new("a.weight", [1, 32], 8, eight), other = good with { Name = "b.weight" };
        byte[] whole = File.ReadAllBytes(Write([good, other]));
        for (int length = 0; length < whole.Length; length += 7) // the end of the data included
        {
            Refused(whole[..length], _folder.File("t.gguf"));
        }
        Refused([.. "GGUF"u8, 1, 0, 0, 0, .. new byte[32]], "version 1");
        Refused([.. "GGUF"u8, 0, 0, 0, 3, .. new byte[32]], "big-endian");
        Refused([.. "GGUF"u8, 3, 0, 0, 0, .. Enumerable.Repeat((byte)255, 8), .. new byte[40]], "truncated");
        Refused(File.ReadAllBytes(Write([good, good])), "two tensors are called 'a.weight'");
        Refused(File.ReadAllBytes(Write([good, other], overlap: true)), "claim the same bytes");
        Refused(File.ReadAllBytes(Write([good with { Shape = [1, 31] }])), "in blocks of 32");
        Refused(File.ReadAllBytes(Write([good with { Shape = [1L << 40, 1L << 40, 32] }])), "'a.weight' claims");
        Refused(File.ReadAllBytes(Write([good with { Shape = [1, 1, 1, 1, 32] }])), "5 dimensions");
        Refused(File.ReadAllBytes(Write([good with { Type = 99 }])), "of type 99");
        Refused(File.ReadAllBytes(Write([good], alignment: 12)), "general.alignment is 12");
        string path = Write([good with { Bytes = [0, 0x7C, .. new byte[32]] }]);
        using TensorSource source = TensorSource.OpenAny(path);
        Assert.Contains("NaN or infinite", Assert.Throws<InvalidDataException>(() => source.Read("a.weight")).Message, StringComparison.Ordinal);

        void Refused(byte[] bytes, string fault)
        {
            string file = _folder.File("t.gguf");
            File.WriteAllBytes(file, bytes);
            string message = Assert.Throws<InvalidDataException>(() => TensorSource.OpenAny(file).Dispose()).Message;
            Assert.Contains(file, message, StringComparison.Ordinal);
            Assert.Contains(fault, message, StringComparison.Ordinal);
        }
    }

    private sealed record Stored(string Name, long[] Shape, uint Type, byte[] Bytes);

    private static byte[] Half(float value) => BitConverter.GetBytes((Half)value);

    private static Stored Plain(string name, Tensor value) => new(name, value.shape, 0, [.. value.detach().contiguous().bytes]);

    private string Write(IReadOnlyList<Stored> tensors, bool overlap = false, uint alignment = 64)
    {
        using MemoryStream stream = new();
        using BinaryWriter to = new(stream, Encoding.UTF8);
        to.Write("GGUF"u8);
        to.Write(3u);
        to.Write((ulong)tensors.Count);
        to.Write(4ul);
        Key("general.architecture", 8);
        Text("qwen2");
        Key("general.alignment", 4);
        to.Write(alignment);
        Key("tokenizer.ggml.tokens", 9);
        to.Write(8u);
        to.Write(3ul);
        Array.ForEach(["a", "b", "ü"], Text);
        Key("qwen2.rope.freq_base", 6);
        to.Write(1e6f);
        long offset = 0;
        foreach (Stored tensor in tensors)
        {
            Text(tensor.Name);
            to.Write((uint)tensor.Shape.Length);
            Array.ForEach([.. tensor.Shape.Reverse()], to.Write);
            to.Write(tensor.Type);
            to.Write(overlap ? 0 : offset);
            offset = Next(offset + tensor.Bytes.Length);
        }
        long start = Next(stream.Position);
        offset = start;
        foreach (Stored tensor in tensors)
        {
            stream.SetLength(offset);
            stream.Position = offset;
            to.Write(tensor.Bytes);
            offset = Next(offset + tensor.Bytes.Length);
        }
        string path = _folder.File($"{Guid.NewGuid():N}.gguf");
        File.WriteAllBytes(path, stream.ToArray());
        return path;

        long Next(long at) => (at + alignment - 1) / alignment * alignment;

        void Text(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            to.Write((ulong)bytes.Length);
            to.Write(bytes);
        }

        void Key(string name, uint type)
        {
            Text(name);
            to.Write(type);
        }
    }
}
