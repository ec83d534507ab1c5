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
    [InlineData("""{"a":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "impossible shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[3],"data_offsets":[5,8]}}""", 8, "gap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4, "outside")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}""", 8, "outside")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}""", 8, "outside")]
    [InlineData("""{"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "empty name")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", 4, "lacks")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "whole numbers")]
    [InlineData("""{"a":[1]}""", 0, "expected")]
    [InlineData("""[1]""", 0, "JSON object")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "expected")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "header cannot be read")]
    [InlineData("""{} {}""", 0, "header cannot be read")]
    [InlineData("""{""", 0, "header cannot be read")]
    public void A_header_that_lies_is_refused_with_the_file_named(string header, int bytes, string fault)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("bad.safetensors");
        var json = Encoding.UTF8.GetBytes(header);
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)json.Length), .. json, .. new byte[bytes]]);
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

    [Fact]
    public void Unknown_dtypes_are_listed_and_refused_only_when_read()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("f8.safetensors");
        var json = Encoding.UTF8.GetBytes("""{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[4,5]}}""");
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)json.Length), .. json, 0, 0, 0, 0, 7]);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal("F8_E4M3", file.Entries["a"].StoredType);
        Assert.Contains("'a' is stored as F8_E4M3", Assert.Throws<InvalidDataException>(() => file.Read("a")).Message, StringComparison.Ordinal);
        Assert.Contains("neither 0 nor 1", Assert.Throws<InvalidDataException>(() => file.Read("b")).Message, StringComparison.Ordinal);
        Assert.Contains("no tensor named 'c'", Assert.Throws<KeyNotFoundException>(() => file.Read("c")).Message, StringComparison.Ordinal);
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
