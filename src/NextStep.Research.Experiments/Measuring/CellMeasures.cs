using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Everything that is measured of a trained cell's pictures and model; the metrics stage and <c>nextstep evaluate</c> share it.</summary>
internal static class CellMeasures
{
    // Pictures that numbers refer to are the same for every seed of an experiment, so that seeds are of one identity and can be averaged.
    private const long ReferenceSeed = 1_000_003;

    /// <summary>Adds all measurements that the configuration asks for.</summary>
    /// <param name="all">The list.</param>
    /// <param name="config">The cell's configuration.</param>
    /// <param name="pictures">Drawn pictures [n, 3, S, S] in [−1, 1]; alive until the list has run.</param>
    /// <param name="prompts">One per picture.</param>
    /// <param name="network">Of the distances; alive until the list has run.</param>
    /// <param name="loaded">The model; alive until the list has run.</param>
    /// <param name="cancellation">Stops between and within measurements.</param>
    /// <param name="processorSeconds">By stage, for metrics that ask; null = not known.</param>
    public static void Add(
        Measurements all, ResearchConfig config, Tensor pictures, IReadOnlyList<string> prompts, IFeatureNetwork network, LoadedModel loaded, CancellationToken cancellation,
        IReadOnlyDictionary<string, double>? processorSeconds = null)
    {
        EvaluationConfig evaluation = config.Evaluation;
        Tensor finite = pictures.isfinite().flatten(1).all(1);
        long broken = pictures.size(0) - finite.sum().item<long>();
        all.Numbers["samples.broken"] = broken;
        if (broken > 0)
        {
            all.Gaps.Add($"{broken} of {pictures.size(0)} pictures hold values that are no numbers: distances and artifacts are those of the others, alignment counts them as wrong.");
        }
        if (broken < pictures.size(0))
        {
            Tensor whole = broken == 0 ? pictures : pictures.index_select(0, finite.nonzero().squeeze(1));
            Tensor? reference = Reference(config);
            if (reference is not null)
            {
                PictureMeasures.AddDistances(all, whole, reference, network, cancellation);
            }
            // Maps lie over the sheet of all pictures, so there are none when some are missing.
            PictureMeasures.AddArtifacts(all, whole, reference, TokenGrid.Of(loaded.Autoencoder.Config), evaluation.Detectors, broken == 0 ? SamplesStage.Shown : 0, cancellation);
        }
        if (config.Data.Source == DataSource.Shapes)
        {
            // A broken picture is judged as grey, which is no ground of the shapes world.
            Tensor judged = broken == 0 ? pictures : where(finite.view(-1, 1, 1, 1), pictures, zeros_like(pictures));
            AlignmentMeasures.Add(all, judged, prompts, loaded.Autoencoder, config.Seed);
        }
        if (broken < pictures.size(0) && evaluation.Metrics.Count > 0)
        {
            MetricContext whole = new(pictures, prompts, Reference(config), loaded, config.Seed) { Sampling = config.Sampling, ProcessorSeconds = processorSeconds ?? new Dictionary<string, double>() };
            MetricMeasures.Add(all, evaluation.Metrics, whole, finite);
        }
        string[] traced = [.. Enumerable.Range(0, evaluation.GuidanceSamples).Select(i => prompts[i % prompts.Count])];
        ModelMeasures.AddTokenTraces(all, loaded, traced, evaluation.GuidanceTrace, config.Sampling, config.Data.ImageSize, config.Seed, cancellation);
    }

    /// <summary>Adds what the stages before the drawing measure: the verifier's errors, reconstructions, latents and the decoder under noise.</summary>
    /// <param name="all">The list.</param>
    /// <param name="config">The cell's configuration.</param>
    /// <param name="autoencoder">In evaluation mode; alive until the list has run.</param>
    /// <param name="cancellation">Stops between and within measurements.</param>
    public static void AddModel(Measurements all, ResearchConfig config, ImageAutoencoder autoencoder, CancellationToken cancellation)
    {
        if (config.Data.Source == DataSource.Shapes && config.Evaluation.VerifierScenes > 0)
        {
            AlignmentMeasures.AddVerifier(
                all, SamplesStage.Skills(config), config.Evaluation.VerifierScenes, config.Data.ImageSize, config.Autoencoder.Downsampling, config.Seed, cancellation);
        }
        Tensor pictures = HeldOut(config);
        LatentMeasures.AddReconstruction(all, autoencoder, pictures, config);
        all.Add("latents", () =>
        {
            Tensor means = cat([.. pictures.split(64).Select(p => autoencoder.ToModel(autoencoder.Encode(p.to(autoencoder.parameters().First().device)).Mean).cpu())]);
            LatentMeasures.WriteHealth(all, PatchOrder.Patchify(means, autoencoder.Config.PatchSize), autoencoder.Config.LatentChannels);
        });
    }

    /// <summary>Adds what is measured of drawn edits, where the model was trained on edits.</summary>
    /// <param name="all">The list.</param>
    /// <param name="config">The cell's configuration.</param>
    /// <param name="samples">The folder of the samples stage.</param>
    /// <param name="autoencoder">In evaluation mode; alive until the list has run.</param>
    public static void AddEdits(Measurements all, ResearchConfig config, string samples, ImageAutoencoder autoencoder)
    {
        if (config.Data.Edits > 0)
        {
            all.Add("edits", () => EditMeasurement.Judge(samples, config, autoencoder, all));
        }
    }

    /// <summary>The prompts that a cell of this configuration draws.</summary>
    public static IReadOnlyList<string> Prompts(ResearchConfig config) => SamplesStage.Prompts(config);

    /// <summary>Held-out pictures for reconstruction, the same for every seed. Join the caller's dispose scope.</summary>
    /// <exception cref="InvalidDataException">The source holds none.</exception>
    public static Tensor HeldOut(ResearchConfig config)
    {
        using IImageSource source = ImageSources.Open(config.Data, DataSplit.HeldOut, ReferenceSeed);
        int count = Math.Min(config.Evaluation.HeldOut, source.Count);
        if (count == 0)
        {
            throw new InvalidDataException($"{source.Name}: there are no held-out pictures to measure with.");
        }
        using CaptionedBatch batch = Batches.Load(source, [.. Enumerable.Range(0, count)]);
        return batch.Pixels.alias();
    }

    /// <summary>
    /// Pictures of the training distribution for distances and for artifacts generated ÷ real, the same for every seed (of the shapes world scenes
    /// that no seed trains on); null when none are wanted. Join the caller's dispose scope.
    /// </summary>
    public static Tensor? Reference(ResearchConfig config)
    {
        using IImageSource source = ImageSources.Open(config.Data, DataSplit.Train, ReferenceSeed);
        int count = Math.Min(config.Evaluation.Reference, source.Count);
        if (count == 0)
        {
            return null;
        }
        int[] chosen = [.. Streams.Managed(ReferenceSeed, "evaluation.reference").Permutation(source.Count).Take(count)];
        using CaptionedBatch batch = Batches.Load(source, chosen);
        return batch.Pixels.alias();
    }
}
