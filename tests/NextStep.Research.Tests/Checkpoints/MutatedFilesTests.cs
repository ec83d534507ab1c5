using System.Diagnostics;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Thousands of damaged files: the readers answer with a documented exception or with tensors, never otherwise, and never with more memory than the file is worth.</summary>
[Collection(nameof(Alone))]
public sealed class MutatedFilesTests
{
    private const int Count = 2500;

    // A damaged file of this size may cost at most this much managed memory to refuse or read.
    private const long AllocationLimit = 1 << 22;

    [Fact]
    public void Mutated_safetensors_files_are_read_or_refused() =>
        Attack(File.ReadAllBytes(Fixtures.File("dtype_samples.safetensors")), headerBytes: 1200, "m.safetensors", textual: true);

    [Fact]
    public void Mutated_torch_archives_are_read_or_refused() =>
        Attack(File.ReadAllBytes(Fixtures.File("small_checkpoint.pt")), headerBytes: 760, "m.pt", textual: false);

    [Fact]
    public void Mutated_pickles_in_sound_archives_are_read_or_refused()
    {
        var pickle = Encoding.Latin1.GetBytes(Pickled.Dictionary(("a", Pickled.Tensor("0", 2)), ("b", "](" + Pickled.Tensor("0", 1) + "K\u0005e")) + ".");
        using var folder = new TemporaryFolder();
        var path = folder.File("p.pt");
        Run(i =>
        {
            var mutated = Mutate(pickle, pickle.Length, i, textual: false);
            Pickled.Archive(path, Encoding.Latin1.GetString(mutated), ("0", new byte[8]));
            return path;
        });
    }

    [Fact]
    public void Mutated_indexes_are_read_or_refused()
    {
        using var folder = new TemporaryFolder();
        using var value = ones(2, 2);
        SafetensorsFile.Write(folder.File("one.safetensors"), new Dictionary<string, Tensor> { ["a"] = value, ["b"] = value });
        SafetensorsFile.Write(folder.File("two.safetensors"), new Dictionary<string, Tensor> { ["c"] = value });
        var index = Encoding.UTF8.GetBytes("""{"metadata":{"total_size":48},"weight_map":{"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"}}""");
        var path = folder.File("model.safetensors.index.json");
        Run(i =>
        {
            File.WriteAllBytes(path, Mutate(index, index.Length, i, textual: true));
            return path;
        });
    }

    private static void Attack(byte[] good, int headerBytes, string name, bool textual)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File(name);
        Run(i =>
        {
            File.WriteAllBytes(path, Mutate(good, headerBytes, i, textual));
            return path;
        });
    }

    private static void Run(Func<int, string> write)
    {
        int refused = 0, read = 0;
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < Count; i++)
        {
            var path = write(i);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using var scope = NewDisposeScope();
                using var source = TensorSource.OpenAny(path);
                foreach (var entry in source.Entries.Values)
                {
                    using var tensor = source.Read(entry.Name);
                    Assert.Equal(entry.Shape, tensor.shape);
                    using var sum = tensor.to(ScalarType.Float64).sum(); // touches every byte: nothing may lie outside the map
                }
                read++;
            }
            catch (Exception e) when (e is InvalidDataException or FileNotFoundException)
            {
                Assert.Contains(Path.GetFileName(path), e.Message, StringComparison.Ordinal);
                refused++;
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllocationLimit);
        }
        Assert.True(refused > Count / 3, $"only {refused} of {Count} were refused");
        Assert.True(read > 0, "no mutation left the file readable");
        Assert.True(clock.Elapsed < TimeSpan.FromMinutes(1));
    }

    // Bit flips, overwritten numbers, cut ends, doubled and swapped pieces; most of them in the first headerBytes and in the last hundred bytes.
    private static byte[] Mutate(byte[] good, int headerBytes, int seed, bool textual)
    {
        var random = new Random(seed);
        var bytes = good.ToList();
        var changes = 1 + random.Next(3);
        for (var change = 0; change < changes && bytes.Count > 0; change++)
        {
            var at = random.Next(4) switch { 0 => random.Next(bytes.Count), 1 => bytes.Count - 1 - random.Next(Math.Min(bytes.Count, 100)), _ => random.Next(Math.Min(headerBytes, bytes.Count)) };
            switch (random.Next(7))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes.RemoveRange(at, bytes.Count - at); break;
                case 3: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 40), bytes.Count - at))); break;
                case 4: bytes.RemoveRange(at, Math.Min(random.Next(1, 40), bytes.Count - at)); break;
                case 5: for (var i = at; i < Math.Min(at + random.Next(1, 9), bytes.Count); i++) { bytes[i] = textual ? (byte)"0123456789-,[]{}\":"[random.Next(18)] : (byte)(random.Next(2) * 255); } break;
                default: (bytes[at], bytes[bytes.Count - 1 - (at / 2)]) = (bytes[bytes.Count - 1 - (at / 2)], bytes[at]); break;
            }
        }
        return [.. bytes];
    }
}
