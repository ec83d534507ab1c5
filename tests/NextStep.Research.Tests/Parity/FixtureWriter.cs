using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Writes files of the fixtures' form, so that parity can be run on configurations that were never recorded.</summary>
internal sealed class FixtureWriter(string kind, JsonObject config, string set = "ours")
{
    private readonly Dictionary<string, Tensor> _tensors = [];
    private readonly JsonArray _cases = [];

    /// <summary>All weights, those with the given beginning, or none of them, under their exact names.</summary>
    public FixtureWriter Weights(nn.Module module, string start = "")
    {
        foreach ((string name, Tensor tensor) in module.state_dict().Where(p => p.Key.StartsWith(start, StringComparison.Ordinal)))
        {
            _tensors.Add(name, tensor);
        }
        return this;
    }

    /// <summary>A case with its tensors; <paramref name="draws"/> in call order.</summary>
    public FixtureWriter Case(string name, JsonObject metadata, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyList<Tensor>? draws = null, bool alone = false)
    {
        string prefix = alone ? "" : name + "/";
        metadata["name"] = name;
        _cases.Add(metadata);
        foreach ((string tensor, Tensor value) in tensors)
        {
            _tensors.Add(prefix + tensor, value);
        }
        for (int start = 0, run = 0; start < draws?.Count; run++)
        {
            Tensor[] alike = [.. draws.Skip(start).TakeWhile(d => d.shape.SequenceEqual(draws[start].shape))];
            _tensors.Add($"{prefix}draws.run{run}", stack(alike));
            start += alike.Length;
        }
        return this;
    }

    /// <summary>Changes a tensor before it is written.</summary>
    public FixtureWriter Change(string name, Func<Tensor, Tensor> change)
    {
        _tensors[name] = change(_tensors[name]);
        return this;
    }

    public string Write(TemporaryFolder folder, string? name = null)
    {
        string file = folder.File((name ?? kind) + ".safetensors");
        SafetensorsFile.Write(file, _tensors, new Dictionary<string, string>
        {
            ["kind"] = kind,
            ["set"] = set,
            ["config"] = config.ToJsonString(),
            ["cases"] = _cases.ToJsonString(),
        });
        return file;
    }
}
