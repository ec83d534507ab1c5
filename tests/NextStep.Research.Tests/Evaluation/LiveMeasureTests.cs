using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Counts every live tensor of the process, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(LiveMeasureTests), DisableParallelization = true)]
[Collection(nameof(LiveMeasureTests))]
public sealed class LiveMeasureTests
{
    [Fact]
    public void Measurements_leave_as_many_tensors_as_they_found()
    {
        using RandomConvolutionNetwork network = new();
        using Tensor pictures = DeadLeaves.Draw(12, 32, 1), others = DeadLeaves.Draw(12, 32, 2), tokens = pictures.reshape(12, 16, 192);
        CancellationToken stop = TestContext.Current.CancellationToken;
        void Measure()
        {
            ArtifactSuite.Measure(pictures, new TokenGrid(8, 4), null, null, stop);
            using FeatureSet one = FeatureSet.Of(network, pictures, null, stop), two = FeatureSet.Of(network, others, null, stop);
            DistributionMetrics.Of(one, two);
            LatentStatistics.Of(tokens, 3);
            VerifierStudy.Measure(["colors"], 2, 32, 4, 1, null, stop);
            ImageMetrics.Ssim(pictures, others);
            MultiScaleSimilarity.Measure(pictures, others);
        }

        Measure();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect(); // what finalizers let go of
        long before = Tensor.TotalCount;
        for (int i = 0; i < 3; i++)
        {
            Measure();
        }
        Assert.Equal(before, Tensor.TotalCount);
    }
}
