using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class DetectorTests : IDisposable
{
    // What is made on the way in an expression lives until the test ends: the collector may not free it during a native call.
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    private static readonly TokenGrid Grid = new(8, 4);

    [Fact]
    public void A_picture_of_one_colour_has_no_blocks_and_no_noise_and_is_flat()
    {
        using Tensor grey = full([2, 3, 32, 32], 0.25f);
        Dictionary<string, double> values = Values(grey);
        Assert.Equal(1, values["blockiness"], 5);
        Assert.Equal(1, values["blockiness.stride"], 5);
        Assert.Equal((0.0, 0.0, 0.0, 1.0, 0.0), (values["noise"], values["noiseMedian"], values["noiseLocal"], values["flat"], values["clipped"]));
        using Tensor white = ones(1, 3, 32, 32);
        Assert.Equal(1, Values(white)["clipped"]);
    }

    [Theory]
    [InlineData(0.02)]
    [InlineData(0.06)]
    public void Noise_is_measured_in_its_own_unit(double deviation)
    {
        using Tensor grey = zeros(20, 3, 64, 64), noisy = Planting.Apply(grey, PlantedArtifact.GlobalNoise, Grid, deviation, 1);
        Dictionary<string, double> values = Values(noisy);
        Assert.Equal(deviation, values["noise"], deviation * 0.03);
        Assert.Equal(deviation, values["noiseMedian"], deviation * 0.05);
    }

    [Fact]
    public void Every_detector_rises_with_the_strength_of_its_artifact()
    {
        using Tensor clean = DeadLeaves.Draw(12, 64, 7);
        foreach ((string name, PlantedArtifact artifact) in new[]
        {
            ("blockiness", PlantedArtifact.BlockOffsets), ("grid", PlantedArtifact.BlockOffsets), ("lattice", PlantedArtifact.Checkerboard),
            ("lattice", PlantedArtifact.GridLines), ("noiseLocal", PlantedArtifact.LocalNoise), ("noiseMedian", PlantedArtifact.GlobalNoise),
        })
        {
            double before = Values(clean)[name];
            foreach (double strength in (double[])[0.02, 0.04, 0.08])
            {
                using Tensor planted = Planting.Apply(clean, artifact, Grid, strength, 2);
                double now = Values(planted)[name];
                Assert.True(now > before, $"{name} at {strength} of {artifact}: {now} after {before}");
                before = now;
            }
        }
    }

    [Fact]
    public void Mirroring_transposing_and_brightening_change_nothing()
    {
        using Tensor planted = Planting.Apply(DeadLeaves.Draw(8, 64, 8) * 0.6f, PlantedArtifact.BlockOffsets, Grid, 0.04, 3);
        Dictionary<string, double> before = Values(planted);
        // Incomplete cells are left out at the right and bottom: mirroring leaves out others.
        (Tensor Changed, double Tolerance)[] cases =
            [(planted.transpose(2, 3).contiguous(), 1e-3), (planted + (20 / 127.5f), 1e-3), (planted.flip(3), 0.1), (planted.flip(2), 0.1)];
        foreach ((Tensor changed, double tolerance) in cases)
        {
            Dictionary<string, double> after = Values(changed);
            Assert.All(before.Keys, name => Assert.Equal(before[name], after[name], (Math.Abs(before[name]) * tolerance * (name == "grid" ? 2 : 1)) + 1e-4));
            changed.Dispose();
        }
    }

    [Fact]
    public void The_phase_of_a_shifted_grid_is_found()
    {
        using Tensor wide = Planting.Apply(DeadLeaves.Draw(16, 72, 9), PlantedArtifact.BlockOffsets, Grid, 0.08, 4);
        foreach (int shift in (int[])[0, 3, 5])
        {
            using Tensor part = wide.narrow(2, shift, 64).narrow(3, shift, 64);
            ArtifactMeasurement found = ArtifactSuite.Measure(part, Grid, null, null, TestContext.Current.CancellationToken).Single(m => m.Detector.Name == "blockiness");
            Assert.Equal((8 - shift) % 8, found.Details["phase"]);
            Assert.Equal(shift == 0, found.Value > 1.3);
        }
    }

    [Fact]
    public void Maps_show_where_an_artifact_is_and_average_by_token_in_raster_order()
    {
        using Tensor clean = DeadLeaves.Draw(16, 32, 10), noisy = Planting.Apply(clean, PlantedArtifact.LocalNoise, Grid, 0.05, 5), flat = Planting.Apply(clean, PlantedArtifact.FlatRegion, Grid, 0, 5);
        Dictionary<string, IReadOnlyList<double>> noise = ByToken(noisy), ground = ByToken(flat);
        Assert.All(noise["noiseLocal"].Take(12), v => Assert.True(v < 0.03));
        Assert.All(noise["noiseLocal"].Skip(12), v => Assert.True(v > 0.06));
        Assert.All(ground["flat"].Take(8), v => Assert.True(v < 0.2));
        Assert.All(ground["flat"].Skip(12), v => Assert.True(v > 0.95));
        using Tensor colored = ArtifactMaps.Colored(tensor(new float[] { 0, 1, 2, -1 }, [1, 2, 2]), 0, 1);
        Assert.Equal([1, 3, 2, 2], colored.shape);
        Assert.Equal((-1f, -1f), (colored[0, 0, 0, 0].item<float>(), colored[0, 2, 1, 1].item<float>()));
        Assert.True(colored[0, 1, 0, 1].item<float>() == colored[0, 1, 1, 0].item<float>() && colored[0, 1, 0, 1].item<float>() > 0.9f);
    }

    [Fact]
    public void Pictures_too_small_for_a_measure_leave_a_gap_and_bad_ones_are_refused()
    {
        using Tensor small = DeadLeaves.Draw(2, 12, 11);
        Dictionary<string, double> values = Values(small);
        Assert.True(double.IsNaN(values["blockiness"]) && double.IsNaN(values["grid"]) && double.IsNaN(values["lattice"]));
        Assert.True(double.IsFinite(values["noise"]));
        using Tensor tiny = zeros(1, 3, 4, 4), grey = zeros(1, 1, 32, 32), bad = full([1, 3, 32, 32], float.NaN);
        Assert.Contains("8x8", Assert.Throws<ArgumentException>(() => Values(tiny)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Values(grey));
        Assert.Contains("no numbers", Assert.Throws<InvalidDataException>(() => Values(bad)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Large_sets_go_in_parts_with_maps_by_number()
    {
        using Tensor pictures = DeadLeaves.Draw(3, 64, 12);
        List<int> firsts = [];
        IReadOnlyList<ArtifactMeasurement> all = ArtifactSuite.Measure(pictures, Grid, (d, first, map) => firsts.Add(d is FlatRegions ? first + (10 * (int)map.size(0)) : -1), null, 64 * 64, null, TestContext.Current.CancellationToken);
        Assert.Equal([10, 11, 12], firsts.Where(f => f >= 0));
        double[] alone = [.. Enumerable.Range(0, 3).Select(i => Values(pictures.narrow(0, i, 1))["lattice"])];
        ArtifactMeasurement lattice = all.Single(a => a.Detector.Name == "lattice");
        Assert.Equal(alone, lattice.PerPicture, (a, b) => Math.Abs(a - b) < 1e-3);
        Assert.Equal(alone.Average(), lattice.Value, 3);
    }

    [Fact]
    public void Generated_over_real_is_a_quotient_of_levels_and_of_powers()
    {
        ArtifactMeasurement Of(IArtifactDetector detector, double value) => new(detector, value, [], [], new Dictionary<string, double>());
        Assert.Equal(2, Of(new FlatRegions(), 0.4).Over(Of(new FlatRegions(), 0.2)), 12);
        Assert.Equal(100, Of(new LatticeDetector(8), 23).Over(Of(new LatticeDetector(8), 3)), 9);
        Assert.True(double.IsNaN(Of(new FlatRegions(), 0.4).Over(Of(new FlatRegions(), 0))));
    }

    private static Dictionary<string, double> Values(Tensor pictures) =>
        ArtifactSuite.Measure(pictures, Grid, null, null, TestContext.Current.CancellationToken).ToDictionary(m => m.Detector.Name, m => m.Value);

    private static Dictionary<string, IReadOnlyList<double>> ByToken(Tensor pictures) =>
        ArtifactSuite.Measure(pictures, Grid, null, null, TestContext.Current.CancellationToken).ToDictionary(m => m.Detector.Name, m => m.ByToken);
}
