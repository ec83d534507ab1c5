using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Files that hold only tensors: weights load under their exact names, samples of every dtype read as recorded.</summary>
internal sealed class WeightsParity : ParityKind
{
    private readonly FixtureCase _case;

    public WeightsParity(FixtureFile file)
        : base(file) => _case = new FixtureCase(file, new JsonObject { ["name"] = file.Kind is "dtype_samples" or "small_checkpoint" ? "values" : "strict loading" });

    public override IReadOnlyList<FixtureCase> Cases => [_case];

    public override void Run(FixtureCase fixture)
    {
        using IDisposable guard = no_grad();
        switch (File.Kind)
        {
            case { } k when k.StartsWith("dtype_samples", StringComparison.Ordinal):
                Dtypes(fixture);
                break;
            case { } k when k.StartsWith("small_checkpoint", StringComparison.Ordinal):
                Archive(fixture);
                break;
            case { } k when k.StartsWith("vae_weights", StringComparison.Ordinal):
                using (ImageAutoencoder autoencoder = new(ReleasedConfig.ReadAutoencoder(JsonKeys.Of(File.Config, File.Path), 1)))
                {
                    AutoencoderParity.LoadHalf(autoencoder, File.Source);
                    CheckLoaded(fixture, autoencoder);
                }
                break;
            default:
                using (NextStepModel model = BuildModel(File.Config, File.Path))
                {
                    LoadPlain(model, File.Source);
                    CheckLoaded(fixture, model);
                    if (fixture.Has("gen_pos_embed"))
                    {
                        fixture.Check("gen_pos_embed", PositionTable.SineCosine(model.Config.Transformer.HiddenSize, model.Config.GenPosGrid).unsqueeze(0));
                    }
                }
                break;
        }
    }

    public override void Dispose()
    {
    }

    private void CheckLoaded(FixtureCase fixture, nn.Module module)
    {
        foreach ((string name, Tensor tensor) in module.state_dict().Where(p => File.Source.Entries.ContainsKey(p.Key)))
        {
            fixture.Check(name, tensor, 0);
        }
    }

    // The same values in each dtype stand beside their exact up-casts; all others are compared with what a rewritten copy of the file holds.
    private void Dtypes(FixtureCase fixture)
    {
        const string Cast = "_as_f32";
        string copy = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        Dictionary<string, Tensor> tensors = File.Source.Entries.Keys.ToDictionary(n => n, File.Source.Read);
        try
        {
            SafetensorsFile.Write(copy, tensors);
            using SafetensorsFile again = SafetensorsFile.Open(copy);
            foreach ((string name, Tensor tensor) in tensors)
            {
                Tensor ours = again.Read(name);
                if (ours.dtype != tensor.dtype)
                {
                    throw new InvalidDataException($"{name} was {tensor.dtype} and came back as {ours.dtype}.");
                }
                if (!name.EndsWith(Cast, StringComparison.Ordinal))
                {
                    fixture.Check(name, ours, 0);
                }
                if (tensors.ContainsKey(name + Cast))
                {
                    fixture.Check(name + Cast, tensor.to_type(ScalarType.Float32), 0);
                }
            }
        }
        finally
        {
            System.IO.File.Delete(copy);
        }
    }

    // The torch archive of the same name holds the same tensors.
    private void Archive(FixtureCase fixture)
    {
        using TorchCheckpoint archive = TorchCheckpoint.Open(Path.ChangeExtension(File.Path, ".pt"));
        if (!archive.Entries.Keys.ToHashSet().SetEquals(File.Source.Entries.Keys))
        {
            throw new InvalidDataException($"{archive.Path} holds {string.Join(", ", archive.Entries.Keys)}.");
        }
        foreach (string name in archive.Entries.Keys)
        {
            Tensor ours = archive.Read(name);
            if (ours.dtype != File.Source.Entries[name].Type)
            {
                throw new InvalidDataException($"{name} is {ours.dtype} in the archive and {File.Source.Entries[name].Type} in the safetensors file.");
            }
            fixture.Check(name, ours, 0);
        }
    }
}
