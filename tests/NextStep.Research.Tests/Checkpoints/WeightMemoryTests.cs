using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Memory of a module's weights: its tensors are copies, live as long as they are held, and lie on large pages and not in the file that they were read from.</summary>
public sealed class WeightMemoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Tensors_are_copies_that_lie_apart_and_outlive_it()
    {
        Tensor[] given = [rand(3, 5).t(), arange(7, dtype: ScalarType.Int8), empty(0, 4), rand(33).to_type(ScalarType.BFloat16)];
        WeightMemory memory = new(given.Sum(t => WeightMemory.Room(t.shape, t.dtype)));
        Tensor[] copies = [.. given.Select(memory.Copy)];
        Assert.Throws<InvalidOperationException>(() => memory.Copy(given[0]));
        memory.Dispose();
        for (int i = 0; i < given.Length; i++)
        {
            TensorAssert.Same(given[i], copies[i]);
            Assert.True(copies[i].is_contiguous());
            Assert.Equal(0, TensorMemory.Address(copies[i]) % 64);
        }
        copies[0].zero_();
        TensorAssert.Same(given[1], copies[1]);
        Assert.NotEqual(0, given[0].abs().sum().item<float>());
    }

    [Fact]
    public void It_asks_for_large_pages()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/sys/kernel/mm/transparent_hugepage/enabled"), "Large pages are asked for on Linux alone.");
        using WeightMemory memory = new(3 * WeightMemory.Page);
        using Tensor copy = memory.Copy(ones(WeightMemory.Page, dtype: ScalarType.Byte));
        string flags = Mapping(copy).Single(l => l.StartsWith("VmFlags:", StringComparison.Ordinal));
        Assert.Contains(" hg", flags, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("int4:32")]
    public void A_loaded_model_lies_in_memory_of_its_own_but_for_the_tables_of_a_quantized_one(string? quantization)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Where memory lies is asked of Linux.");
        using NextStepModel model = QuantizedFolderTests.Model();
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        ReleasedFolder.SaveUntrained(_folder.File("m"), model, autoencoder, new ByteTokenizer(), 16, new SamplingConfig { Steps = 2 }, 3, quantization);
        using LoadedModel loaded = ReleasedFolder.Load(_folder.File("m"), new LoadOptions { Devices = [CPU] });
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in loaded.Model.named_parameters())
        {
            bool table = quantization is not null && WeightNames.IsTable(name);
            Assert.Equal(table, Mapping(parameter).First().EndsWith(".safetensors", StringComparison.Ordinal));
        }
    }

    // What the system says of the memory in which a tensor begins: the line of its range, and those behind it.
    private static List<string> Mapping(Tensor tensor)
    {
        ulong address = (ulong)TensorMemory.Address(tensor);
        List<string> found = [];
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            string[] range = line.Split(' ')[0].Split('-');
            if (range.Length == 2)
            {
                if (found.Count > 0)
                {
                    break;
                }
                if (Convert.ToUInt64(range[0], 16) <= address && address < Convert.ToUInt64(range[1], 16))
                {
                    found.Add(line);
                }
            }
            else if (found.Count > 0)
            {
                found.Add(line);
            }
        }
        return found;
    }
}
