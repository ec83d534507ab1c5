using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>How far a list of measurements is: those done, all, and the one that runs.</summary>
internal sealed record MeasureProgress(int Done, int Total, string What);

/// <summary>Measurements in order, and what they found. Stages and <c>nextstep evaluate</c> run the same ones.</summary>
internal sealed class Measurements : IDisposable
{
    private readonly List<(string What, Action Measure)> _steps = [];

    /// <summary>Numbers by name; those that are not finite are left out when they are written.</summary>
    public Dictionary<string, double> Numbers { get; } = [];

    /// <summary>What a number depends on, by its name.</summary>
    public Dictionary<string, string> Identities { get; } = [];

    /// <summary>Curves by name.</summary>
    public Dictionary<string, Curve> Curves { get; } = [];

    /// <summary>Which pictures are right, one by one, by the name of the metric that is their share.</summary>
    public Dictionary<string, PictureOutcomes> Outcomes { get; } = [];

    /// <summary>Heat maps by name of the artifact, as pictures [n, 3, H, W] in [−1, 1].</summary>
    public Dictionary<string, Tensor> Maps { get; } = [];

    /// <summary>What could not be measured, and why, in one sentence each.</summary>
    public List<string> Gaps { get; } = [];

    /// <summary>Puts a measurement at the end of the list.</summary>
    public void Add(string what, Action measure) => _steps.Add((what, measure));

    /// <summary>Runs what was added, each in a dispose scope without gradients.</summary>
    /// <exception cref="InvalidDataException">A measurement says that its input is damaged.</exception>
    public void Run(Action<MeasureProgress>? progress = null, CancellationToken cancellation = default)
    {
        using IDisposable guard = no_grad();
        for (int i = 0; i < _steps.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Invoke(new MeasureProgress(i, _steps.Count, _steps[i].What));
            using DisposeScope scope = NewDisposeScope();
            _steps[i].Measure();
        }
        progress?.Invoke(new MeasureProgress(_steps.Count, _steps.Count, "done"));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor map in Maps.Values)
        {
            map.Dispose();
        }
    }
}
