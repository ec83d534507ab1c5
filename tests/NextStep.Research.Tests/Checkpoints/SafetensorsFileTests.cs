using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class SafetensorsFileTests
{
    [Theory]
    [InlineData("f32")]
    [InlineData("f64")]
    [InlineData("f16")]
    [InlineData("bf16")]
    public void Every_float_dtype_equals_its_recorded_upcast(string name)
    {
        using var file = SafetensorsFile.Open(Fixtures.File("dtype_samples.safetensors"));
        using var cast = file.Read(name, ScalarType.Float32);
        using var recorded = file.Read(name + "_as_f32");
        TensorAssert.Same(recorded, cast);
        Assert.True(recorded.abs().sum().ToSingle() > 0);
    }

    [Fact]
    public void Integers_booleans_scalars_and_empty_tensors_are_read()
    {
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(Fixtures.File("dtype_samples.safetensors"));
        Assert.Equal(ScalarType.Int64, file.Read("i64").dtype);
        Assert.Equal([8L], file.Read("i32").shape);
        Assert.Equal(ScalarType.Byte, file.Read("u8").dtype);
        Assert.Equal([3L], file.Read("bool").shape);
        Assert.Equal([], file.Read("scalar").shape); // not aligned in the file: copied
        Assert.Equal([0L, 3L], file.Read("empty").shape);
        Assert.Equal("dtype_samples", file.Metadata["kind"]);
    }

    [Fact]
    public void What_is_written_is_read_back_whatever_its_layout_and_dtype()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var path = folder.File("a.safetensors");
        var tensors = new Dictionary<string, Tensor>
        {
            ["z"] = arange(24, dtype: ScalarType.Float32).view(4, 6).t(),
            ["strided"] = arange(24, dtype: ScalarType.Int64)[torch.TensorIndex.Slice(1, null, 3)],
            ["bool"] = tensor(new[] { true, false, true }),
            ["bf16"] = ones(3, 5, dtype: ScalarType.BFloat16),
            ["f16"] = ones(7, dtype: ScalarType.Float16) * 0.1f,
            ["u8"] = arange(5, dtype: ScalarType.Byte),
            ["i8"] = arange(5, dtype: ScalarType.Int8),
            ["i16"] = arange(5, dtype: ScalarType.Int16),
            ["f64"] = rand(2, 2, dtype: ScalarType.Float64),
            ["complex"] = rand(2, 2, dtype: ScalarType.ComplexFloat32),
            ["ünïcode \" name"] = tensor(3f),
            ["empty"] = empty(0, 4),
            ["parameter"] = nn.Parameter(rand(3)),
        };
        SafetensorsFile.Write(path, tensors, new Dictionary<string, string> { ["b"] = "2", ["a"] = "{\"x\": 1}" });
        var first = File.ReadAllBytes(path);
        using (var file = SafetensorsFile.Open(path))
        {
            Assert.Equal(tensors.Keys.Order(StringComparer.Ordinal), file.Entries.Keys.Order(StringComparer.Ordinal));
            Assert.Equal("{\"x\": 1}", file.Metadata["a"]);
            foreach (var (name, expected) in tensors)
            {
                var read = file.Read(name);
                Assert.Equal(expected.dtype, read.dtype);
                Assert.Equal(expected.shape, read.shape);
                TensorAssert.Same(expected, read, name);
                Assert.Equal(0, file.Entries[name].Offset % read.ElementSize);
            }
        }
        SafetensorsFile.Write(path, tensors.Reverse().ToDictionary(), new Dictionary<string, string> { ["a"] = "{\"x\": 1}", ["b"] = "2" });
        Assert.Equal(first, File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Tensors_outlive_the_file_and_writing_into_them_leaves_it_alone()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("a.safetensors");
        using var values = arange(1 << 16, dtype: ScalarType.Float32);
        SafetensorsFile.Write(path, new Dictionary<string, Tensor> { ["x"] = values });
        var before = File.ReadAllBytes(path);
        Tensor first, second;
        using (var file = SafetensorsFile.Open(path))
        {
            first = file.Read("x");
            second = file.Read("x");
        }
        File.Delete(path);
        using (first)
        {
            TensorAssert.Same(values, first);
        }
        using (second)
        {
            TensorAssert.Same(values, second);
            second.add_(1);
            Assert.Equal(1, second[0].ToSingle());
        }
        File.WriteAllBytes(path, before);
        using var again = SafetensorsFile.Open(path);
        using var third = again.Read("x");
        TensorAssert.Same(values, third);
        third.zero_();
        Assert.Equal(before, File.ReadAllBytes(path));
    }

    [Fact]
    public void A_disposed_file_does_not_read()
    {
        var file = SafetensorsFile.Open(Fixtures.File("dtype_samples.safetensors"));
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Read("f32"));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "end at byte")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "cannot take 4 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "impossible shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}""", 4, "impossible shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[3],"data_offsets":[5,8]}}""", 8, "gap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4, "outside")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}""", 8, "outside")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}""", 8, "outside")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", 4, "lacks")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "whole numbers")]
    [InlineData("""{"a":[1]}""", 0, "expected")]
    [InlineData("""[1]""", 0, "JSON object")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "expected")]
    [InlineData("""{"__metadata__":[1]}""", 0, "expected")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "twice")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "header cannot be read")]
    [InlineData("""{} {}""", 0, "header cannot be read")]
    [InlineData("""{""", 0, "header cannot be read")]
    public void A_header_that_lies_is_refused_with_the_file_named(string header, int bytes, string fault)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("bad.safetensors");
        Write(path, header, new byte[bytes]);
        var error = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
        Assert.Contains("bad.safetensors", error.Message, StringComparison.Ordinal);
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 1, 2, 3 })]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, 123, 125 })]
    [InlineData(new byte[] { 200, 0, 0, 0, 0, 0, 0, 0, 123, 125 })]
    public void Truncated_file_names_the_file(byte[] bytes)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("short.safetensors");
        File.WriteAllBytes(path, bytes);
        Assert.Contains("short.safetensors", Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("  \n{}", 0)]
    [InlineData("{} \n ", 0)]
    [InlineData("""{"__metadata__":null}""", 0)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"strides":{"x":[[[1]]]},"crc":null}}""", 4)]
    [InlineData("""{"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4)]
    [InlineData("""{"a":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}""", 0)]
    [InlineData("""{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}""", 4)]
    public void A_header_that_the_reference_reader_takes_is_taken(string header, int bytes)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("odd.safetensors");
        Write(path, header, new byte[bytes]);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal(header.Contains("dtype", StringComparison.Ordinal) ? 1 : 0, file.Entries.Count);
    }

    [Fact]
    public void A_tensor_may_have_more_than_64_dimensions_but_none_that_torch_cannot_hold()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("rank.safetensors");
        Write(path, $$"""{"a":{"dtype":"F32","shape":[{{string.Join(',', Enumerable.Repeat(1, 70))}}],"data_offsets":[0,4]},"z":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[4,4]} }""", BitConverter.GetBytes(2.5f));
        using var file = SafetensorsFile.Open(path);
        using var tensor = file.Read("a");
        Assert.Equal(70, tensor.shape.Length);
        Assert.Equal([2.5f], tensor.data<float>().ToArray());
        Assert.Contains("rank.safetensors: torch holds no tensor of shape [0, 4294967296", Assert.Throws<InvalidDataException>(() => file.Read("z")).Message, StringComparison.Ordinal);
    }

    // Values from the formats' definitions: OCP Microscaling 1.0 and OFP8, and the FNUZ variants.
    [Theory]
    [InlineData("F8_E4M3", new byte[] { 0x00, 0x80, 0x38, 0xb8, 0x7e, 0x01, 0x08, 0x7f }, new[] { 0f, -0f, 1f, -1f, 448f, 0.001953125f, 0.015625f, float.NaN })]
    [InlineData("F8_E5M2", new byte[] { 0x00, 0x3c, 0x7b, 0x01, 0x7c, 0xfc, 0x7d }, new[] { 0f, 1f, 57344f, 1.52587890625e-5f, float.PositiveInfinity, float.NegativeInfinity, float.NaN })]
    [InlineData("F8_E4M3FNUZ", new byte[] { 0x40, 0x7f, 0x80 }, new[] { 1f, 240f, float.NaN })]
    [InlineData("F8_E5M2FNUZ", new byte[] { 0x40, 0x7f, 0x80 }, new[] { 1f, 57344f, float.NaN })]
    [InlineData("F8_E8M0", new byte[] { 127, 128, 0, 255 }, new[] { 1f, 2f, 5.877471754e-39f, float.NaN })]
    [InlineData("F6_E2M3", new byte[] { 0b11_001000, 0b1110_0111, 0b100000_01 }, new[] { 1f, 7.5f, 7f, -0f })] // codes 001000, 011111, 011110, 100000
    [InlineData("F6_E3M2", new byte[] { 0b11_001100, 0b0001_0111, 0b101100_00 }, new[] { 1f, 28f, 0.0625f, -1f })]
    [InlineData("F4", new byte[] { 0x21, 0x7f }, new[] { 0.5f, 1f, -6f, 6f })]
    public void Floats_of_eight_six_and_four_bits_are_read_as_numbers(string dtype, byte[] bytes, float[] expected)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("small.safetensors");
        Write(path, $$"""{"a":{"dtype":"{{dtype}}","shape":[{{expected.Length}}],"data_offsets":[0,{{bytes.Length}}]} }""", bytes);
        using var file = SafetensorsFile.Open(path);
        using var tensor = file.Read("a");
        Assert.Equal((dtype, ScalarType.Float32), (file.Entries["a"].StoredType, file.Entries["a"].Type));
        Assert.Equal(expected, tensor.data<float>().ToArray());
        var copy = folder.File("wide.safetensors");
        CheckpointConverter.Convert(path, copy, new ConversionOptions());
        using var wide = SafetensorsFile.Open(copy);
        Assert.Equal("F32", wide.Entries["a"].StoredType);
    }

    [Fact]
    public void Unsigned_integers_are_read_as_numbers()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("unsigned.safetensors");
        Write(path, """{"a":{"dtype":"U16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"U32","shape":[1],"data_offsets":[4,8]},"c":{"dtype":"U64","shape":[1],"data_offsets":[8,16]},"d":{"dtype":"U64","shape":[1],"data_offsets":[16,24]}}""",
            [1, 0, 255, 255, .. BitConverter.GetBytes(uint.MaxValue), .. BitConverter.GetBytes(7UL), .. BitConverter.GetBytes(ulong.MaxValue)]);
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(path);
        Assert.Equal([1, 65535], file.Read("a").data<int>().ToArray());
        Assert.Equal([4294967295L], file.Read("b").data<long>().ToArray());
        Assert.Equal([7L], file.Read("c").data<long>().ToArray());
        Assert.Contains("unsigned.safetensors: a tensor of U64 holds 18446744073709551615", Assert.Throws<InvalidDataException>(() => file.Read("d")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Dtypes_that_nobody_has_defined_are_listed_and_refused_only_when_read()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("f9.safetensors");
        Write(path, """{"a":{"dtype":"F9","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[4,5]}}""", [0, 0, 0, 0, 7]);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal("F9", file.Entries["a"].StoredType);
        Assert.Contains("'a' is stored as F9", Assert.Throws<InvalidDataException>(() => file.Read("a")).Message, StringComparison.Ordinal);
        Assert.Contains("neither 0 nor 1", Assert.Throws<InvalidDataException>(() => file.Read("b")).Message, StringComparison.Ordinal);
        Assert.Contains("no tensor named 'c'", Assert.Throws<KeyNotFoundException>(() => file.Read("c")).Message, StringComparison.Ordinal);
    }

    private static void Write(string path, string header, byte[] values)
    {
        var json = Encoding.UTF8.GetBytes(header);
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)json.Length), .. json, .. values]);
    }

    [Fact]
    public void A_failed_write_keeps_the_old_file_and_leaves_nothing_behind()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("a.txt");
        AtomicFile.WriteText(path, "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.WriteByte(1);
            throw new InvalidOperationException("no");
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder.Path));
    }
}
