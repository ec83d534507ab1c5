using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The autoencoder: encoding with every flag, decoding, and the noise perturbation of its training.</summary>
internal sealed class AutoencoderParity(FixtureFile file) : ParityKind(file)
{
    // Deep convolutions behind a normalisation amplify rounding.
    private const double Tolerance = 3e-4;

    private readonly IReadOnlyList<string> _weights = file.Beside("vae_weights");

    /// <summary>The autoencoder of a configuration with weights from the given files, each holding a half.</summary>
    public static ImageAutoencoder Build(JsonObject config, string source, IReadOnlyList<string> weights, int patch)
    {
        ImageAutoencoder autoencoder = new(ReleasedConfig.ReadAutoencoder(JsonKeys.Of(config, source), patch));
        HashSet<string> missing = [.. autoencoder.state_dict().Keys];
        foreach (string path in weights)
        {
            using SafetensorsFile half = SafetensorsFile.Open(path);
            missing.ExceptWith(LoadHalf(autoencoder, half));
        }
        autoencoder.eval();
        return missing.Count == 0 ? autoencoder : throw new InvalidDataException($"The weights lack {missing.Count} tensors, the first is '{missing.Order(StringComparer.Ordinal).First()}'.");
    }

    /// <summary>Loads encoder or decoder or both, whichever the file holds, strictly; returns the names.</summary>
    public static IReadOnlyCollection<string> LoadHalf(ImageAutoencoder autoencoder, TensorSource source)
    {
        HashSet<string> halves = [.. source.Entries.Keys.Select(Half)];
        (string Name, Tensor Tensor)[] targets = [.. autoencoder.state_dict().Where(p => halves.Contains(Half(p.Key))).Select(p => (p.Key, p.Value))];
        StateDictLoader.Load(targets, source);
        return [.. targets.Select(t => t.Name)];
    }

    public override void Run(FixtureCase fixture)
    {
        using IDisposable guard = no_grad();
        if (!fixture.Has("in.z") && !fixture.Has("out.moments") && !fixture.Has("out.mean") && !fixture.Has("out.z"))
        {
            fixture.Check("out.x", ImageAutoencoder.NormalizeTokens(fixture.Read("in.x"), 1), Tolerance);
            return;
        }
        using ImageAutoencoder autoencoder = Build(FixtureFile.Merge(File.Config, fixture.Json["flags"] as JsonObject), File.Path, _weights, 1);
        if (fixture.Has("in.z"))
        {
            fixture.Check("out.x", autoencoder.Decode(fixture.Read("in.z")), Tolerance);
        }
        else if (!fixture.Has("out.z"))
        {
            Encode(fixture, autoencoder);
        }
        else
        {
            Forward(fixture, autoencoder);
        }
    }

    public override void Dispose()
    {
    }

    private static void Encode(FixtureCase fixture, ImageAutoencoder autoencoder)
    {
        using RecordedNoise noise = fixture.Draws();
        Tensor pixels = fixture.Read("in.x");
        fixture.Check("out.moments", autoencoder.Moments(pixels), Tolerance);
        LatentPosterior posterior = autoencoder.Encode(pixels);
        fixture.Check("out.mean", posterior.Mean, Tolerance);
        fixture.Check("out.logvar", posterior.LogVariance, Tolerance);
        fixture.Check("out.std", autoencoder.Deterministic ? zeros_like(posterior.Mean) : posterior.LogVariance.Times(0.5f).exp(), Tolerance);
        Tensor sample = ReferenceSample(autoencoder, posterior, noise);
        FixtureCase.Exhausted(noise);
        fixture.Check("out.sample", sample, Tolerance);
        fixture.Check("out.latents", autoencoder.ToModel(sample), Tolerance);
        if (fixture.Has("out.kl"))
        {
            fixture.Check("out.kl", autoencoder.Deterministic ? zeros(1) : stack([.. Enumerable.Range(0, (int)pixels.size(0)).Select(i => Divergence(posterior, i))]), Tolerance);
        }
    }

    private static void Forward(FixtureCase fixture, ImageAutoencoder autoencoder)
    {
        using RecordedNoise noise = fixture.Draws();
        LatentPosterior posterior = autoencoder.Encode(fixture.Read("in.x"));
        fixture.Check("out.mean", posterior.Mean, Tolerance);
        Tensor latents = fixture.Argument("sample_posterior", false) ? ReferenceSample(autoencoder, posterior, noise) : posterior.Mean;
        Tensor perturbed = ImageAutoencoder.Perturb(latents, fixture.Argument("noise_strength", 0.0), noise);
        FixtureCase.Exhausted(noise);
        fixture.Check("out.z", perturbed, Tolerance);
        fixture.Check("out.x", autoencoder.Decode(perturbed), Tolerance);
    }

    /// <summary>As the reference samples: it draws even where the posterior has no width (fixtures README, quirk 11).</summary>
    public static Tensor ReferenceSample(ImageAutoencoder autoencoder, LatentPosterior posterior, NoiseSource noise)
    {
        if (autoencoder.Deterministic)
        {
            using Tensor unused = noise.Normal(posterior.Mean.shape);
        }
        return autoencoder.Sample(posterior, noise);
    }

    // The reference sums over one picture's latent where our loss takes the mean.
    private static Tensor Divergence(LatentPosterior posterior, int picture)
    {
        Tensor mean = posterior.Mean.narrow(0, picture, 1), variance = posterior.LogVariance.narrow(0, picture, 1);
        return ReconstructionLoss.Divergence(new LatentPosterior(mean, variance)).Times(mean.numel());
    }

    private static string Half(string name) => name.Split('.')[0];
}
