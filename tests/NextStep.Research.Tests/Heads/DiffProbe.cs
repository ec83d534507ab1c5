using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class DiffProbe(ITestOutputHelper output)
{
    [Theory(Explicit = true)]
    [InlineData(0.0)]
    [InlineData(0.01)]
    [InlineData(0.05)]
    public void Exact(double error)
    {
        using DisposeScope scope = NewDisposeScope();
        using GaussianMixture ring = GaussianMixture.Ring(4, 1.5, 0.3);
        using NoiseSource noise = new DrawnNoise(5, "ring");
        Tensor truth = ring.Sample(2000, noise);
        DiffusionSchedule s = DiffusionSchedule.Cosine(1000).Respaced(100);
        output.WriteLine($"kept {s.Kept[99]:E3} {s.Kept[98]:E3} {s.Kept[97]:E3} beta {s.Beta[99]} {s.Beta[98]} {s.Beta[97]}");
        Tensor x = noise.Normal(2000, 2);
        for (int i = 99; i >= 0; i--)
        {
            double a = Math.Sqrt(s.Kept[i]), b = Math.Sqrt(1 - s.Kept[i]), t = a / (a + b);
            Tensor at = x.Over(a + b);
            Tensor epsilon = at.sub(ring.Velocity(at, t).Times(t)).Plus(noise.Normal(2000, 2).Times(error));
            x = DiffusionSampler.Back(s, 5, x, epsilon, zeros(2000, 2), i, noise);
            if (i > 96) output.WriteLine($"{i}: std {x.std().item<float>()}");
        }
        output.WriteLine($"exact {error}: {TwoSamples.Distance(x, truth):F5} dev {ring.Deviations(x).mean().item<float>():F3}");
    }
}
