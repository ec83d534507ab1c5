using System.Globalization;
using System.IO.Enumeration;

namespace NextStep.Research.Experiments;

/// <summary>The numbers that the stages measure for some configurations, by name, so that a misspelt one is found before it is missed in the report.</summary>
internal sealed class KnownMetrics
{
    private static readonly string[] Always =
    [
        "autoencoder.psnr", "autoencoder.ssim", "autoencoder.frechet", "autoencoder.parameters", .. Enumerable.Range(2, 4).Select(i => FormattableString.Invariant($"autoencoder.msssim{i}")),
        "latents.mean", "latents.std", "latents.kurtosis", "latents.effectiveDimension", "latents.effectiveShare", "latents.normalDistance",
        "model.parameters", "model.head.parameters", "flow.loss", "flow.loss.early", "flow.loss.late", "text.loss", .. Enumerable.Range(0, 10).Select(i => FormattableString.Invariant($"flow.loss.t{i}")),
        "head.loss", "head.loss.early", "head.loss.late", .. Enumerable.Range(0, 10).Select(i => FormattableString.Invariant($"head.loss.t{i}")),
        "samples.brightness", "samples.contrast", "samples.broken",
        "frechet", "frechet.floor", "kernel", "kernel.error", "precision", "recall", "density", "coverage",
    ];

    private static readonly string[] Shapes =
    [
        "alignment", "alignment.low", "alignment.high", "alignment.geneval", "alignment.ceiling.renders", "alignment.ceiling.reconstructions",
        .. ShapesSource.SkillNames.SelectMany(s => new[] { $"alignment.{s}", $"alignment.{s}.low", $"alignment.{s}.high", $"alignment.geneval.{s}" }),
        .. ShapesVerifier.Reasons.Select(r => $"failures.{r}"), "verifier.accepts.clean", "verifier.falseAccepts.clean",
    ];

    private static readonly string[] Edits =
    [
        "edit.success", "edit.success.low", "edit.success.high", "edit.success.ceiling", "edit.success.copy", "edit.preservation", "edit.preservation.copy", "edit.flow.loss", "edit.text.loss",
        .. Enumerable.Range(0, 10).Select(i => FormattableString.Invariant($"edit.flow.loss.t{i}")), .. Enum.GetValues<EditKind>().Select(k => $"edit.success.{EnumNames.Format(k)}"),
    ];

    private readonly HashSet<string> _here = [.. Always];
    private readonly string[] _detectors;
    private readonly string[] _own;

    public KnownMetrics(IReadOnlyList<ResearchConfig> configs)
    {
        _here.UnionWith(configs.Any(c => c.Data.Source == DataSource.Shapes) ? Shapes : []);
        _here.UnionWith(configs.Any(c => c.Evaluation.AlignmentTarget is not null) ? AlignmentTime.Names : []);
        _here.UnionWith(configs.Any(c => c.Data.Edits > 0) ? Edits : []);
        _own = [.. configs.SelectMany(c => c.Evaluation.Metrics).Select(m => ComponentCatalog.NameOf(m.GetType())).Distinct()];
        _here.UnionWith(_own);
        foreach (double noise in configs.SelectMany(c => c.Evaluation.LatentNoise).Where(n => n != 0).Distinct())
        {
            _here.UnionWith(((string[])["autoencoder.psnr.noise", "autoencoder.ssim.noise"]).Select(n => n + noise.ToString(CultureInfo.InvariantCulture)));
        }
        _detectors = [.. configs.SelectMany(c => (c.Evaluation.Detectors ?? ArtifactSuite.Kit).SelectMany(d => d.Build(TokenGrid.Of(c.Autoencoder)))).Select(d => "artifacts." + d.Name).Distinct()];
        _here.UnionWith(_detectors.SelectMany(d => new[] { d, d + ".real", d + ".ratio", d + ".drift" }));
    }

    /// <summary>What is wrong with a name or pattern, in a sentence; null when something is measured by it.</summary>
    public string? Problem(string pattern)
    {
        // What details a detector or a metric of the user gives, only its pictures tell.
        if (_here.Any(m => FileSystemName.MatchesSimpleExpression(pattern, m, ignoreCase: false)) || _detectors.Concat(_own).Any(d => pattern.StartsWith(d + ".", StringComparison.Ordinal)))
        {
            return null;
        }
        bool Fits(string[] names) => names.Any(m => FileSystemName.MatchesSimpleExpression(pattern, m, ignoreCase: false));
        return Fits(Shapes) ? $"'{pattern}' is measured in the shapes world only (data.source: shapes)"
            : Fits(AlignmentTime.Names) ? $"'{pattern}' is measured only with evaluation.alignmentTarget and training.model.snapshots"
            : Fits(Edits) ? $"'{pattern}' is measured only with data.edits above 0"
            : pattern.StartsWith("autoencoder.psnr.noise", StringComparison.Ordinal) || pattern.StartsWith("autoencoder.ssim.noise", StringComparison.Ordinal)
                ? $"'{pattern}' is measured only at the strengths of evaluation.latentNoise"
            : $"nothing measures '{pattern}'{(NearestName.Find(pattern, _here) is { } near ? $"; did you mean '{near}'?" : "; nextstep evaluate shows all metrics of a cell")}";
    }
}
