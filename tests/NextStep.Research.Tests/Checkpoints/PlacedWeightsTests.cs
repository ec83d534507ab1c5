using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Weights that go straight from the file to a module built without memory.</summary>
public sealed class PlacedWeightsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void They_are_the_weights_of_the_file_they_learn_and_they_outlive_it()
    {
        string file = Save(out NextStepModel model);
        NextStepModel placed = new(model.Config, META, ScalarType.Float32);
        long done = 0, total = 0;
        using (SafetensorsFile source = SafetensorsFile.Open(file))
        {
            StateDictLoader.Place(placed, source, _ => CPU, ScalarType.Float32, progress: (d, t) => (done, total) = (d, t));
        }
        File.Delete(file);
        Assert.Equal(model.parameters().Sum(p => p.numel()) * 4, total);
        Assert.Equal(total, done);
        foreach ((string name, Tensor tensor) in model.state_dict())
        {
            TensorAssert.Same(tensor, placed.state_dict()[name], name);
        }
        Assert.All(placed.parameters(), p => Assert.True(p.requires_grad));
        using DrawnNoise noise = new(1, "noise");
        placed.Head.Loss(TinyModels.Normal("x", 3, 16), TinyModels.Normal("c", 3, 24), noise).Mean.backward();
        Assert.Contains(placed.parameters(), p => p.grad is not null);
    }

    [Fact]
    public void A_checkpoint_that_does_not_fit_leaves_the_module_without_memory_and_names_all_faults()
    {
        string file = Save(out NextStepModel model);
        NextStepConfig other = model.Config with { Transformer = model.Config.Transformer with { Layers = 4, IntermediateSize = 44 } };
        NextStepModel placed = new(other, META);
        using SafetensorsFile source = SafetensorsFile.Open(file);
        string message = Assert.Throws<InvalidDataException>(() => StateDictLoader.Place(placed, source, _ => CPU, null)).Message;
        Assert.Contains("13 tensors are missing", message, StringComparison.Ordinal);
        Assert.Contains("9 tensors have other shapes", message, StringComparison.Ordinal);
        Assert.All(placed.parameters(), p => Assert.Equal(DeviceType.META, p.device_type));
    }

    [Fact]
    public void Memory_given_back_is_read_again()
    {
        string file = _folder.File("large.safetensors");
        Tensor large = rand(1 << 18), small = rand(3);
        SafetensorsFile.Write(file, new Dictionary<string, Tensor> { ["large"] = large, ["small"] = small });
        using SafetensorsFile source = SafetensorsFile.Open(file);
        Tensor copy = source.ReadCopy("large", null), view = source.Read("large");
        source.Release("large");
        source.Release("small");
        TensorAssert.Same(large, view);
        TensorAssert.Same(large, copy);
        TensorAssert.Same(small, source.Read("small"));
        view.add_(1); // private to the process
        source.Release("large");
        TensorAssert.Same(large + 1, view);
    }

    private string Save(out NextStepModel model)
    {
        model = TinyModels.Model();
        string file = _folder.File("model.safetensors");
        SafetensorsFile.Write(file, model.state_dict());
        return file;
    }
}
