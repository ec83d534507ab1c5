using System.IO.Compression;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class TorchCheckpointTests
{
    [Fact]
    public void The_recorded_archive_holds_what_its_safetensors_twin_holds()
    {
        using var scope = NewDisposeScope();
        using var expected = SafetensorsFile.Open(Fixtures.File("small_checkpoint.safetensors"));
        var read = TorchCheckpoint.ReadAll(Fixtures.File("small_checkpoint.pt"));
        Assert.Equal(expected.Entries.Keys.Order(StringComparer.Ordinal), read.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, tensor) in read)
        {
            TensorAssert.Same(expected.Read(name), tensor, name);
        }
        Assert.False(read["transposed_view"].is_contiguous());
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var tensors = new Dictionary<string, Tensor>
        {
            ["a.weight"] = rand(3, 4).t(),
            ["scalar"] = tensor(2.5, dtype: ScalarType.Float64),
            ["empty"] = empty(0, 3),
            ["bool"] = tensor(new[] { true, false }),
            ["half"] = ones(3, dtype: ScalarType.Float16),
            ["brain"] = ones(3, dtype: ScalarType.BFloat16) * 3,
            ["bytes"] = arange(300, dtype: ScalarType.Int64).to(ScalarType.Byte),
            ["short"] = arange(3, dtype: ScalarType.Int16),
        };
        var path = folder.File("a.pt");
        TorchCheckpoint.Write(path, tensors);
        foreach (var (name, tensor) in TorchCheckpoint.ReadAll(path))
        {
            TensorAssert.Same(tensors[name], tensor, name);
        }
        using var zip = ZipFile.OpenRead(path); // an independent reader agrees, checksums included
        Assert.Equal("3\n", new StreamReader(zip.GetEntry("archive/version")!.Open()).ReadToEnd());
        using var file = TorchCheckpoint.Open(path);
        Assert.Equal(tensors.Count, file.Entries.Count);
        Assert.All(file.Entries.Values, entry => Assert.Equal(0, entry.Offset % 64));
    }

    [Fact]
    public void A_training_checkpoint_gives_its_weights_and_nested_containers_dotted_names()
    {
        using var folder = new TemporaryFolder();
        var tensor = Pickled.Tensor("0", 2);
        var path = folder.File("a.pt");
        Pickled.Archive(path, Pickled.Dictionary(("epoch", "K\u0003"), ("state_dict", Pickled.Dictionary(("w", tensor))), ("optimizer", Pickled.Dictionary(("m", tensor)))), ("0", new byte[8]));
        using (var file = TorchCheckpoint.Open(path))
        {
            Assert.Equal(["w"], file.Entries.Keys);
        }
        Pickled.Archive(path, Pickled.Dictionary(("ema", Pickled.Dictionary(("w", tensor))), ("list", "](" + tensor + tensor + "e")), ("0", new byte[8]));
        using var nested = TorchCheckpoint.Open(path);
        Assert.Equal(["ema.w", "list.0", "list.1"], nested.Entries.Keys);
    }

    [Theory]
    [InlineData("cposix\nsystem\n(X\u0004\0\0\0truetR.", "posix.system")]
    [InlineData("cbuiltins\neval\n(X\u0001\0\0\01tR.", "builtins.eval")]
    [InlineData("\u008c\u0002os\u008c\u0006system\u0093)R.", "os.system")]
    [InlineData("ctorch.storage\n_load_from_bytes\n(U\u0001atR.", "torch.storage._load_from_bytes")]
    [InlineData("ctorch\nload\n.", "torch.load")]
    [InlineData("ccollections\nOrderedDict\n(K\u0001tR.", "collections.OrderedDict")]
    [InlineData("(iposix\nsystem\n.", "posix.system")]
    [InlineData("P0\n.", "0x50")]
    [InlineData("csome.where\nModel\n)\u0081}X\u0001\0\0\0aK\u0001sb.", "some.where.Model; nothing was executed. Save model.state_dict()")]
    [InlineData("h\u0007.", "recalls")]
    [InlineData("}", "ends early")]
    [InlineData("t.", "mark")]
    [InlineData("X\u00ff\u00ff\u00ff\u00ff.", "ends early")]
    [InlineData("]q\u0000h\u0000a.", "nested too deeply")]
    public void A_pickle_that_wants_more_than_tensors_is_refused_by_name(string pickle, string fault)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("evil.pt");
        Pickled.Archive(path, pickle);
        var error = Assert.Throws<InvalidDataException>(() => TorchCheckpoint.Open(path));
        Assert.Contains("evil.pt", error.Message, StringComparison.Ordinal);
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_stands_beside_the_weights_does_not_cost_the_file_and_is_named()
    {
        const string Namespace = "ccopyreg\n_reconstructor\n(cargparse\nNamespace\nc__builtin__\nobject\nNtR}(X\u0002\0\0\0lrG?PbM\u00d2\u00f1\u00a9\u00fcub";
        const string Scalar = "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(X\u0002\0\0\0f8\u0089\u0088tR(K\u0003X\u0001\0\0\0<NNNJ\u00ff\u00ff\u00ff\u00ffJ\u00ff\u00ff\u00ff\u00ffK\0tbc_codecs\nencode\n(X\u0001\0\0\0aX\u0006\0\0\0latin1tRtR";
        using var folder = new TemporaryFolder();
        var path = folder.File("run.pt");
        var weights = Pickled.Dictionary(("w", Pickled.Tensor("0", 2)), ("layout", "ctorch\nstrided\n"), ("best", Scalar));
        Pickled.Archive(path, Pickled.Dictionary(("args", Namespace), ("model", weights), ("epoch", "K\u0003"), ("big", "\u008a\u000c" + new string('\u0001', 12))), ("0", [0, 0, 128, 63, 0, 0, 0, 64]));
        using var scope = NewDisposeScope();
        using var file = TorchCheckpoint.Open(path);
        Assert.Equal(["w"], file.Entries.Keys);
        Assert.Equal([1f, 2f], file.Read("w").data<float>().ToArray());
        Assert.Equal(["layout (torch.strided)", "best (numpy.core.multiarray.scalar)", "args (copyreg._reconstructor)", "epoch", "big (a number of more than 64 bits)"], file.Others);
    }

    [Theory]
    [InlineData("neg", -1f)]
    [InlineData("none", 1f)]
    public void A_tensor_whose_negation_torch_put_off_is_negated(string property, float sign)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("lazy.pt");
        var tensor = Pickled.Tensor("0", 2)[..^2] + (property == "none" ? "}" : Pickled.Dictionary((property, "\u0088"))) + "tR"; // the seventh argument
        Pickled.Archive(path, Pickled.Dictionary(("w", tensor)), ("0", [0, 0, 128, 63, 0, 0, 0, 64]));
        using var file = TorchCheckpoint.Open(path);
        using var values = file.Read("w");
        Assert.Equal([sign, 2 * sign], values.data<float>().ToArray());
    }

    [Fact]
    public void A_tensor_whose_conjugation_torch_put_off_is_conjugated_and_one_with_another_property_is_named()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("lazy.pt");
        string With(string property) => Pickled.Tensor("0", 1)[..^2].Replace("FloatStorage", "ComplexFloatStorage", StringComparison.Ordinal) + Pickled.Dictionary((property, "\u0088")) + "tR";
        Pickled.Archive(path, Pickled.Dictionary(("w", With("conj")), ("v", With("fake"))), ("0", [0, 0, 128, 63, 0, 0, 0, 64]));
        using var scope = NewDisposeScope();
        using var file = TorchCheckpoint.Open(path);
        Assert.Equal([-2f], file.Read("w").imag.clone().data<float>().ToArray());
        Assert.Equal(["v (a tensor with the property fake)"], file.Others);
    }

    [Fact]
    public void The_average_beside_the_weights_is_listed_under_ema()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("run.pt");
        var weights = Pickled.Dictionary(("w", Pickled.Tensor("0", 2)));
        Pickled.Archive(path, Pickled.Dictionary(("rng", Pickled.Tensor("1", 8).Replace("FloatStorage", "ByteStorage", StringComparison.Ordinal)), ("model", weights), ("model_ema", Pickled.Dictionary(("decay", "K\u0001"), ("shadow", weights)))), ("0", new byte[8]), ("1", new byte[8]));
        using var file = TorchCheckpoint.Open(path);
        Assert.Equal(["w", "ema.w"], file.Entries.Keys);
    }

    [Fact]
    public void Containers_that_multiply_by_reference_are_refused_quickly()
    {
        var pickle = new StringBuilder("]q\u00000");
        for (var level = 1; level < 31; level++)
        {
            pickle.Append("](").Append('h').Append((char)(level - 1)).Append('h').Append((char)(level - 1)).Append("eq").Append((char)level).Append(level < 30 ? "0" : "");
        }
        using var folder = new TemporaryFolder();
        Pickled.Archive(folder.File("bomb.pt"), pickle.Append('.').ToString());
        Assert.Contains("repeat without end", Assert.Throws<InvalidDataException>(() => TorchCheckpoint.Open(folder.File("bomb.pt"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, 0, 3, 1, "past the end")]
    [InlineData(2, 1, 2, 1, "past the end")]
    [InlineData(2, 0, 2, 5, "past the end")]
    [InlineData(4, 0, 2, 1, "claims 4 values")]
    [InlineData(2, 0, 1, 0, null)]
    [InlineData(2, 0, 2, 0, null)]
    [InlineData(2, 0, 9, 0, null)]
    public void A_tensor_has_to_lie_inside_its_storage(int claimed, int offset, int size, int stride, string? fault)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("a.pt");
        Pickled.Archive(path, Pickled.Dictionary(("w", Pickled.Tensor("0", claimed == 4 ? 4 : 2, offset, size, stride))), ("0", new byte[8]));
        if (fault is null)
        {
            using var file = TorchCheckpoint.Open(path);
            using var tensor = file.Read("w");
            Assert.Equal([(long)size], tensor.shape);
            return;
        }
        Assert.Contains(fault, Assert.Throws<InvalidDataException>(() => TorchCheckpoint.Open(path)).Message, StringComparison.Ordinal);
    }

    // As TorchSharp.PyBridge writes its files: every member deflated.
    [Fact]
    public void Deflated_members_are_read_and_a_member_that_unpacks_to_something_else_is_refused()
    {
        using var folder = new TemporaryFolder();
        string stored = folder.File("stored.pt"), path = folder.File("deflated.pt");
        Pickled.Archive(stored, Pickled.Dictionary(("w", Pickled.Tensor("0", 2))), ("0", [0, 0, 128, 63, 0, 0, 0, 64]));
        using (var from = ZipFile.OpenRead(stored))
        using (var to = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            foreach (var entry in from.Entries)
            {
                using Stream source = entry.Open(), target = to.CreateEntry(entry.FullName, CompressionLevel.Optimal).Open();
                source.CopyTo(target);
            }
        }
        using (var file = TorchCheckpoint.Open(path))
        using (var values = file.Read("w"))
        {
            Assert.Equal([1f, 2f], values.data<float>().ToArray());
            file.Release("w");
        }
        var bytes = File.ReadAllBytes(path);
        var directory = bytes.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        bytes[directory + 16] ^= 1; // the checksum of the last member, the storage
        File.WriteAllBytes(path, bytes);
        using var damaged = TorchCheckpoint.Open(path);
        Assert.Contains("archive/data/0' does not unpack to the 8 bytes and the checksum", Assert.Throws<InvalidDataException>(() => damaged.Read("w")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_member_that_claims_more_than_it_can_unfold_to_is_refused()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("bomb.pt");
        using (var zip = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            using var stream = zip.CreateEntry("archive/data.pkl", CompressionLevel.Optimal).Open();
            stream.Write(new byte[100_000]);
        }
        var bytes = File.ReadAllBytes(path);
        var directory = bytes.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        BitConverter.GetBytes(60_000_000).CopyTo(bytes, directory + 24);
        File.WriteAllBytes(path, bytes);
        Assert.Contains("claims 60000000 bytes", Assert.Throws<InvalidDataException>(() => TorchCheckpoint.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flipped_bit_in_the_values_is_noticed()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("a.pt");
        using var values = ones(100);
        TorchCheckpoint.Write(path, new Dictionary<string, Tensor> { ["w"] = values });
        long offset;
        using (var file = TorchCheckpoint.Open(path))
        {
            offset = file.Entries["w"].Offset;
        }
        var bytes = File.ReadAllBytes(path);
        bytes[offset + 17] ^= 4;
        File.WriteAllBytes(path, bytes);
        using var damaged = TorchCheckpoint.Open(path);
        Assert.Contains("checksum", Assert.Throws<InvalidDataException>(() => damaged.Read("w")).Message, StringComparison.Ordinal);
    }
}
