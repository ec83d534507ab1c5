using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Model folders in int8 and int4: converted, read back, loaded, drawn from; what does not fit is refused.</summary>
public sealed class QuantizedFolderTests : IDisposable
{
    private const string Matrix = "layers.0.mlp.down_proj.weight";

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
    [InlineData(8, 32)]
    [InlineData(4, 32)]
    [InlineData(8, 64)] // which divides neither the 96 of the down projections nor the 32 of the head
    public void A_quantized_folder_draws_what_its_decoded_copy_draws(int bits, int group)
    {
        Save();
        WeightScheme scheme = new(bits, group);
        List<string> said = [];
        CheckpointConverter.Convert(_folder.File("plain"), _folder.File("small"), new ConversionOptions { Scheme = scheme, MaximumShard = 30_000, Say = said.Add });
        CheckpointConverter.Convert(_folder.File("small"), _folder.File("again"), new ConversionOptions());
        CheckpointConverter.Convert(_folder.File("small"), _folder.File("back"), new ConversionOptions { Dtype = ScalarType.Float32 });
        Assert.True(Directory.GetFiles(_folder.File("small"), "*.safetensors").Length > 1);
        using TensorSource plain = TensorSource.OpenAny(_folder.File("plain")), small = TensorSource.OpenAny(_folder.File("small")), back = TensorSource.OpenAny(_folder.File("back"));
        Assert.Equal(scheme, QuantizedWeights.SchemeOf(small));
        Assert.Null(QuantizedWeights.SchemeOf(back));
        foreach ((string name, TensorEntry entry) in plain.Entries)
        {
            bool chosen = QuantizedWeights.IsChosen(name, entry.Shape, scheme);
            Assert.Equal(chosen, small.Entries[name].Type == scheme.Stored);
            Assert.Equal(entry.Shape, back.Entries[name].Shape);
            Assert.Equal(entry.Shape, QuantizedWeights.Matrix(small.Entries[name], scheme).Shape);
            Tensor wanted = chosen ? scheme.Dequantize(scheme.Quantize(plain.Read(name)), 0, entry.Shape[0]) : plain.Read(name);
            TensorAssert.Same(wanted, back.Read(name));
        }
        // 7 in each of 3 layers, the projector, and of the head: condition, 2 in each of 2 blocks.
        int matrices = (3 * 7) + 1 + 1 + (2 * 2), kept = group == 32 ? 0 : 3 + (2 * 2);
        Assert.Equal(matrices - kept, plain.Entries.Count(e => QuantizedWeights.IsChosen(e.Key, e.Value.Shape, scheme)));
        Assert.Equal(kept > 0, said.Count == 1 && said[0].StartsWith($"{kept} of {matrices} matrices stay as they are, since groups of 64 do not divide their width (or 4 their height): ", StringComparison.Ordinal));
        Tensor ours = Draw("small"), decoded = Draw("back"), original = Draw("plain");
        TensorAssert.Same(ours, Draw("again"));
        Assert.InRange(TinyModels.Distance(ours, decoded), 0, bits == 8 ? 1e-3 : 0.1); // the rounding of what meets the weights: to 16 and to 8 bits
        Assert.InRange(TinyModels.Distance(ours, original), 3 * TinyModels.Distance(ours, decoded), 2);
        Assert.InRange(TinyModels.Distance(ours, original), 1e-3, 2);
    }

    [Fact]
    public void An_untrained_folder_is_written_quantized_as_its_plain_one_is_converted()
    {
        using NextStepModel model = Model();
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        List<long> done = [];
        Write("plain", null);
        Write("small", "int4:32");
        CheckpointConverter.Convert(_folder.File("plain"), _folder.File("converted"), new ConversionOptions { Scheme = new WeightScheme(4, 32) });
        using (TensorSource small = TensorSource.OpenAny(_folder.File("small")), converted = TensorSource.OpenAny(_folder.File("converted")))
        {
            Assert.Equal("2 int4:32", small.Metadata[QuantizedWeights.Key]);
            Assert.All(converted.Entries.Keys, name => TensorAssert.Same(converted.Read(name), small.Read(name)));
            Assert.Equal(small.Entries.Count, done.Count);
            Assert.Equal(small.Entries.Values.Sum(e => e.ByteLength), done[^1]);
        }
        TensorAssert.Same(Draw("converted"), Draw("small"));
        Assert.Contains("'int3:32'", Assert.Throws<ArgumentException>(() => Write("none", "int3:32")).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.File("none")));

        void Write(string name, string? quantization)
        {
            done.Clear();
            ReleasedFolder.SaveUntrained(_folder.File(name), model, autoencoder, new ByteTokenizer(), 16, new SamplingConfig { Steps = 2 }, 3, quantization, (d, _) => done.Add(d));
        }
    }

    [Fact]
    public void A_gpu_is_refused_and_the_estimate_counts_the_bytes_of_the_blocks()
    {
        Save();
        CheckpointConverter.Convert(_folder.File("plain"), _folder.File("small"), new ConversionOptions { Scheme = new WeightScheme(4, 32) });
        Refused(() => ReleasedFolder.Load(_folder.File("small"), new Device(DeviceType.CUDA, 0)), "--device cpu");
        using NextStepModel model = Model();
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        MemoryEstimate plain = MemoryEstimate.Of(model, autoencoder, ScalarType.Float32, 2, 10, 256), small = MemoryEstimate.Of(model, autoencoder, ScalarType.Float32, 2, 10, 256, new WeightScheme(4, 32), sizeof(float));
        long matrices = (64 * (64 + 32 + 32 + 64)) + (3 * 64 * 96);
        Assert.Equal(matrices * 4 - (matrices / 32 * 18), plain.Layer - small.Layer);
        Assert.Equal(plain.Tables, small.Tables);
    }

    [Fact]
    public void What_is_no_quantized_checkpoint_of_this_version_is_refused_by_file_and_tensor()
    {
        Save();
        string plain = _folder.File("plain"), small = _folder.File("small/model.safetensors");
        Refused(() => CheckpointConverter.Convert(plain, _folder.File("wide"), new ConversionOptions { Scheme = new WeightScheme(8, 128) }), "groups of 128 divide the width of none");
        Refused(() => CheckpointConverter.Convert(Path.Combine(plain, "vae"), _folder.File("none"), new ConversionOptions { Scheme = new WeightScheme(8, 32) }), "no matrices of a transformer");
        Assert.Throws<ArgumentException>(() => CheckpointConverter.Convert(plain, _folder.File("a.pt"), new ConversionOptions { Scheme = new WeightScheme(8, 32) }));
        CheckpointConverter.Convert(plain, _folder.File("small"), new ConversionOptions { Scheme = new WeightScheme(8, 32) });
        Dictionary<string, Tensor> tensors = [];
        using (TensorSource source = TensorSource.OpenAny(small))
        {
            foreach (string name in source.Entries.Keys)
            {
                tensors[name] = source.ReadCopy(name, null).MoveToOuterDisposeScope();
            }
        }
        foreach (string scheme in (string[])["1 int8:32", "2 int3:32", "2 int8:48", "int8:32"])
        {
            Write(scheme);
            Refused(() => ReleasedFolder.Load(_folder.File("small")), $"'{scheme}', which this version does not know");
        }
        Write("2 int4:32");
        Refused(() => ReleasedFolder.Load(_folder.File("small")), "is not a matrix of int4:32");
        tensors[Matrix][3, 1, 4] = tensor((sbyte)0);
        tensors[Matrix][3, 1, 5] = tensor((sbyte)0x7C); // infinity, of the strip's third row
        Write("2 int8:32");
        Refused(() => ReleasedFolder.Load(_folder.File("small")), $"'{Matrix}' has scales that are NaN or infinite");
        Refused(() => CheckpointConverter.Convert(small, _folder.File("b.safetensors"), new ConversionOptions { Dtype = ScalarType.Float32 }), $"'{Matrix}' has scales");
        using (FileStream cut = File.OpenWrite(small))
        {
            cut.SetLength(cut.Length - 100);
        }
        Refused(() => ReleasedFolder.Load(_folder.File("small")), small);

        void Write(string scheme) => SafetensorsFile.Write(small, tensors, new Dictionary<string, string> { [QuantizedWeights.Key] = scheme });
    }

    [Fact]
    public void What_is_written_gives_the_memory_of_its_source_back_at_once()
    {
        Save();
        List<string> said = [];
        using Watched source = new(TensorSource.OpenAny(_folder.File("plain")), said);
        IReadOnlyList<OutgoingTensor> tensors = QuantizedWeights.Quantized(OutgoingTensor.From(source, ScalarType.BFloat16), new WeightScheme(4, 32), "plain");
        SafetensorsFile.Write(_folder.File("copy.safetensors"), tensors, null);
        Assert.Equal(2 * source.Entries.Count, said.Count);
        Assert.All(said.Chunk(2), pair => Assert.Equal(($"read {pair[0][5..]}", $"release {pair[0][5..]}"), (pair[0], pair[1])));
    }

    private sealed class Watched(TensorSource inner, List<string> said) : TensorSource
    {
        public override string Path => inner.Path;

        public override IReadOnlyDictionary<string, TensorEntry> Entries => inner.Entries;

        public override IReadOnlyDictionary<string, string> Metadata => inner.Metadata;

        public override Tensor Read(string name)
        {
            said.Add($"read {name}");
            return inner.Read(name);
        }

        public override void Release(string name)
        {
            said.Add($"release {name}");
            inner.Release(name);
        }

        protected override void Dispose(bool disposing) => inner.Dispose();
    }

    private static void Refused(Action act, string fault)
    {
        string message = Assert.Throws<InvalidDataException>(act).Message;
        Assert.Contains(fault, message, StringComparison.Ordinal);
    }

    private void Save()
    {
        using NextStepModel model = Model();
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        ReleasedFolder.Save(_folder.File("plain"), model, autoencoder, new ByteTokenizer(), 16, new SamplingConfig { Steps = 4 });
    }

    private Tensor Draw(string name)
    {
        using LoadedModel loaded = ReleasedFolder.Load(_folder.File(name));
        return loaded.Generator().Drawn(new GenerationRequest { Prompts = ["a red circle"], Height = 16, Width = 8, Sampling = new SamplingConfig { Steps = 4, Guidance = 2 } });
    }

    internal static NextStepModel Model()
    {
        ByteTokenizer tokenizer = new();
        NextStepModel model = new(new NextStepConfig
        {
            Transformer = TinyModels.Transformer(tokenizer.VocabularySize) with { HiddenSize = 64, IntermediateSize = 96, Heads = 4, HeadDim = 16 },
            Head = new FlowHeadConfig { TokenWidth = 16, ConditionWidth = 64, Width = 32, Layers = 2 },
            LatentChannels = 4,
            LatentPatchSize = 2,
            Special = tokenizer.Special,
        });
        TinyModels.Randomize(model, 3);
        model.eval();
        return model;
    }
}
