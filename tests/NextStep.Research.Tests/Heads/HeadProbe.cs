using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class HeadProbe(ITestOutputHelper output)
{
    [Theory(Explicit = true)]
    [InlineData("flow", 20, 0.0)]
    [InlineData("mean-flow", 1, 0.0)]
    [InlineData("mean-flow", 1, 0.5)]
    [InlineData("mean-flow", 1, 1.0)]
    [InlineData("diffusion", 100, 0.0)]
    [InlineData("energy", 1, 0.0)]
    [InlineData("energy", 8, 0.0)]
    [InlineData("mixture", 1, 0.0)]
    [InlineData("shortcut", 8, 0.0)]
    public void Wide(string name, int samplingSteps, double p)
    {
        using DisposeScope scope = NewDisposeScope();
        using NoiseSource noise = new DrawnNoise(5, "wide");
        Tensor centres = noise.Normal(8, 16);
        Tensor Points(NoiseSource n, int rows)
        {
            Tensor x = centres.index_select(0, n.Uniform(rows).Times(8).floor().to_type(ScalarType.Int64)).Plus(n.Normal(rows, 16).Times(0.3));
            return nn.functional.layer_norm(x, [16]);
        }
        Tensor truth = Points(noise, 2000), again = Points(noise, 2000);
        TokenHeadConfig config = name == "mean-flow" ? new MeanFlowHead { AdaptivePower = p } : name == "energy" ? new EnergyHead { Samples = samplingSteps == 8 ? 8 : 2 } : (TokenHeadConfig)ComponentCatalog.Make(typeof(TokenHeadConfig), name);
        foreach (int steps in new[] { 300, 600 })
        {
            using TrainedHead<TokenHead> trained = new(config, Points, steps, 64, 16);
            foreach (int s in new[] { samplingSteps, name == "mean-flow" ? 4 : samplingSteps }.Distinct())
            {
                Tensor drawn = trained.Draw(2000, s);
                output.WriteLine($"wide {name} p {p} {s}: {steps} steps, distance {TwoSamples.Distance(drawn, truth):F5} normalised {TwoSamples.Distance(nn.functional.layer_norm(drawn, [16]), truth):F5} (own {TwoSamples.Distance(again, truth):F5})");
            }
        }
    }

    [Theory(Explicit = true)]
    [InlineData("flow", 20)]
    [InlineData("diffusion", 100)]
    [InlineData("shortcut", 1)]
    [InlineData("shortcut", 4)]
    [InlineData("shortcut", 64)]
    [InlineData("mean-flow", 1)]
    [InlineData("mean-flow", 4)]
    [InlineData("energy", 1)]
    [InlineData("mixture", 1)]
    public void Probe(string name, int samplingSteps)
    {
        using DisposeScope scope = NewDisposeScope();
        using GaussianMixture ring = GaussianMixture.Ring(4, 1.5, 0.3);
        using NoiseSource noise = new DrawnNoise(5, "ring");
        Tensor truth = ring.Sample(2000, noise), again = ring.Sample(2000, noise);
        foreach (int steps in new[] { 300 })
        {
            Stopwatch clock = Stopwatch.StartNew();
            using TrainedHead<TokenHead> trained = new((TokenHeadConfig)ComponentCatalog.Make(typeof(TokenHeadConfig), name), (n, rows) => ring.Sample(rows, n), steps);
            double seconds = clock.Elapsed.TotalSeconds;
            Tensor drawn = trained.Draw(2000, samplingSteps);
            output.WriteLine($"{name} {samplingSteps}: {steps} steps {seconds:F2} s, distance {TwoSamples.Distance(drawn, truth):F5} (own {TwoSamples.Distance(again, truth):F5}), deviations {ring.Deviations(drawn).mean().item<float>():F3}");
        }
    }
}
