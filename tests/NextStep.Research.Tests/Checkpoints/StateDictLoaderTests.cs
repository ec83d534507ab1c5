using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class StateDictLoaderTests
{
    [Fact]
    public void Values_are_copied_and_cast_into_the_module_in_place()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var module = nn.Sequential(("a", nn.Linear(4, 3)), ("b", nn.BatchNorm1d(3)));
        var values = module.state_dict().ToDictionary(pair => "net." + pair.Key, pair => pair.Value.is_floating_point() ? rand_like(pair.Value).to(ScalarType.BFloat16) : pair.Value + 5);
        SafetensorsFile.Write(folder.File("a.safetensors"), values);
        using var source = SafetensorsFile.Open(folder.File("a.safetensors"));
        var before = module.parameters().First();
        StateDictLoader.Load(module, source, name => name["net.".Length..]);
        Assert.Same(before, module.parameters().First());
        Assert.True(before.requires_grad);
        foreach (var (name, tensor) in module.state_dict())
        {
            TensorAssert.Same(values["net." + name].to(tensor.dtype), tensor.detach(), name);
        }
    }

    [Fact]
    public void Every_fault_is_in_the_one_message_and_nothing_is_copied()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var module = nn.Sequential(("a", nn.Linear(4, 3)), ("b", nn.Linear(3, 2)));
        SafetensorsFile.Write(folder.File("a.safetensors"), new Dictionary<string, Tensor>
        {
            ["a.weight"] = rand(3, 1), // would broadcast silently
            ["a.bias"] = zeros(3) + 77,
            ["x.one"] = rand(1),
            ["x.two"] = rand(1),
            ["known"] = rand(1),
        });
        using var source = SafetensorsFile.Open(folder.File("a.safetensors"));
        var error = Assert.Throws<InvalidDataException>(() => StateDictLoader.Load(module, source, optional: new HashSet<string> { "known", "b.bias" }));
        Assert.Contains("a.safetensors", error.Message, StringComparison.Ordinal);
        Assert.Contains("1 tensor is missing: b.weight", error.Message, StringComparison.Ordinal);
        Assert.Contains("2 tensors are unexpected: x.one, x.two", error.Message, StringComparison.Ordinal);
        Assert.Contains("a.weight is [3, 1] in the file and [3, 4] in the model", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("known", error.Message, StringComparison.Ordinal);
        Assert.True(((nn.Module)module).state_dict()["a.bias"].abs().max().ToSingle() < 1);
    }

    [Fact]
    public void Long_lists_are_cut_with_a_count()
    {
        using var folder = new TemporaryFolder();
        using var value = ones(1);
        SafetensorsFile.Write(folder.File("a.safetensors"), new Dictionary<string, Tensor>());
        using var source = SafetensorsFile.Open(folder.File("a.safetensors"));
        var wanted = Enumerable.Range(0, 50).Select(i => ($"w{i}", value));
        Assert.Contains("and 30 more", Assert.Throws<InvalidDataException>(() => StateDictLoader.Load(wanted, source)).Message, StringComparison.Ordinal);
    }
}
