using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The pipeline end to end, from token ids and recorded noise to 8-bit pixels, with and without an input picture.</summary>
internal sealed class GenerationParity : ParityKind
{
    private const int DefaultSide = 256; // of the reference's generate_image

    private readonly NextStepModel _model;

    public GenerationParity(FixtureFile file)
        : base(file)
    {
        JsonObject config = Part("model");
        _model = BuildModel(config, file.Path);
        using (SafetensorsFile weights = SafetensorsFile.Open(file.Beside("t2i_model_weights")[0]))
        {
            LoadWeights(_model, weights);
        }
        _model.eval();
    }

    public override void Run(FixtureCase fixture)
    {
        using IDisposable guard = no_grad();
        using RecordedNoise noise = fixture.Draws();
        int patch = _model.Config.LatentPatchSize;
        using ImageAutoencoder autoencoder = AutoencoderParity.Build(
            FixtureFile.Merge(Part("vae"), fixture.Json["vae_flags"] as JsonObject), File.Path, File.Beside("vae_weights"), patch);
        int[] size = [.. (fixture.Arguments["hw"]?.AsArray().Select(s => s!.GetValue<int>()) ?? [DefaultSide, DefaultSide]).Select(s => s / autoencoder.Config.PixelsPerToken)];
        int count = size[0] * size[1];
        SamplingConfig sampling = new()
        {
            Solver = SamplingSolver.Reference,
            Guidance = fixture.Argument("cfg", 1.0),
            ImageGuidance = fixture.Argument("cfg_img", 1.0),
            GuidanceSchedule = fixture.Arguments["cfg_schedule"]?.GetValue<string>() switch
            {
                null or "constant" => GuidanceSchedule.Constant,
                "linear" => GuidanceSchedule.LinearDecreasing,
                { } other => throw new InvalidDataException($"The guidance schedule '{other}' is not known."),
            },
            Steps = fixture.Argument("num_sampling_steps", 20),
            TimestepShift = fixture.Argument("timesteps_shift", 1.0),
        };
        Tensor? inputs = fixture.Has("in.pixel_values") ? EncodeInputs(fixture, autoencoder, noise) : null;
        GuidanceBranches branches = inputs is not null && sampling.ImageGuidance != 1 ? GuidanceBranches.TextAndImage
            : sampling.Guidance != 1 ? GuidanceBranches.Text : GuidanceBranches.None;
        PromptRows prompt = new(fixture.Read("in.input_ids"), TransformerParity.Mask(fixture), inputs, branches);
        Prefill(fixture, prompt);

        List<Tensor> conditions = [];
        Tensor tokens = TokenSampler.Draw(
            _model, prompt, count, sampling, fixture.Argument("use_norm", false) ? TokenNormalization.Apply : null, noise, fixture.Argument("num_images_per_caption", 1),
            t => conditions.Add(t.Conditions.clone().DetachFromDisposeScope()));
        FixtureCase.Exhausted(noise);
        fixture.Check("out.sample_c", stack(conditions));
        conditions.ForEach(c => c.Dispose());
        fixture.Check("out.tokens", tokens);
        CheckScales(fixture, "out.cfg_iter", sampling.GuidanceSchedule, sampling.Guidance, count);
        CheckScales(fixture, "out.cfg_img_iter", sampling.GuidanceSchedule, sampling.ImageGuidance, count);

        Tensor latents = autoencoder.FromModel(PatchOrder.Unpatchify(tokens, patch, size[0], size[1]));
        fixture.Check("out.latents", latents);
        Tensor pictures = autoencoder.Decode(latents);
        fixture.Check("out.image", pictures);
        fixture.CheckPixels("out.image_u8", pictures.Times(0.5f).Plus(0.5f).clamp(Scalars.Of(0), Scalars.Of(1)).Times(255).round().permute(0, 2, 3, 1).to_type(ScalarType.Byte));
    }

    public override void Dispose() => _model.Dispose();

    private Tensor EncodeInputs(FixtureCase fixture, ImageAutoencoder autoencoder, NoiseSource noise)
    {
        LatentPosterior posterior = autoencoder.Encode(fixture.Read("in.pixel_values"));
        fixture.Check("out.enc_mean", posterior.Mean);
        fixture.Check("out.enc_std", autoencoder.Deterministic ? zeros_like(posterior.Mean) : posterior.LogVariance.Times(0.5f).exp());
        Tensor latents = autoencoder.ToModel(AutoencoderParity.ReferenceSample(autoencoder, posterior, noise));
        fixture.Check("out.latents_in", latents);
        return PatchOrder.Patchify(latents, _model.Config.LatentPatchSize).flatten(0, 1);
    }

    private void Prefill(FixtureCase fixture, PromptRows prompt)
    {
        Tensor embedded = _model.Embed(prompt.Ids, prompt.InputTokens);
        fixture.Check("out.inputs_embeds", embedded);
        Tensor hidden = _model.Transformer.Forward(embedded, prompt.KeyMask);
        Tensor last = hidden.narrow(1, hidden.size(1) - 1, 1);
        fixture.Check("out.prefill_c", _model.GenerationPosition(0, CPU, ScalarType.Float32) is { } position ? last.Plus(position) : last);
    }

    private static void CheckScales(FixtureCase fixture, string name, GuidanceSchedule schedule, double scale, int count) =>
        fixture.Check(name, tensor([.. Enumerable.Range(0, count).Select(i => Guidance.At(schedule, scale, i, count))]));

    private JsonObject Part(string name) =>
        File.Config[name] as JsonObject ?? throw new InvalidDataException($"{File.Path}: the configuration has no {name}.");
}
