using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The whole model: patch order, input embeddings, both training losses with all gradients, logits.</summary>
internal sealed class ModelParity : ParityKind
{
    private readonly NextStepModel _model;

    public ModelParity(FixtureFile file)
        : base(file)
    {
        _model = BuildModel(file.Config, file.Path);
        LoadWeights(_model, file.Source);
    }

    public override void Run(FixtureCase fixture)
    {
        if (fixture.Has("out.loss"))
        {
            Training(fixture);
            return;
        }
        using IDisposable guard = no_grad();
        if (fixture.Has("in.img"))
        {
            Tensor picture = fixture.Read("in.img");
            int patch = _model.Config.LatentPatchSize;
            Tensor tokens = PatchOrder.Patchify(picture, patch);
            fixture.Check("out.tokens", tokens);
            fixture.Check("in.img", PatchOrder.Unpatchify(tokens, patch, picture.size(2) / patch, picture.size(3) / patch));
        }
        else if (fixture.Has("out.table"))
        {
            fixture.Check("out.table", PositionTable.SineCosine(fixture.Json["embed_dim"]!.GetValue<int>(), fixture.Json["grid"]!.GetValue<int>()));
        }
        else
        {
            Tensor hidden = Evaluate(fixture, null, "out.logits");
            fixture.Check("out.hidden", hidden, valid: TransformerParity.Mask(fixture)?.unsqueeze(-1));
        }
    }

    public override void Dispose() => _model.Dispose();

    // A case that takes another's inputs is the same batch through image_out_projector, which the reference's training forgets.
    private void Training(FixtureCase fixture)
    {
        string? other = fixture.Json["inputs_of"]?.GetValue<string>();
        FixtureCase inputs = other is null ? fixture : File.Case(other);
        using RecordedNoise noise = inputs.Draws();
        Tensor[] latents = inputs.Has("in.latents")
            ? [inputs.Read("in.latents")]
            : [.. Enumerable.Range(0, inputs.Names("in.latents.").Count).Select(i => inputs.Read($"in.latents.{i}"))];
        Tensor[] tokens = [.. latents.Select(l => PatchOrder.Patchify(l, _model.Config.LatentPatchSize))];
        Tensor all = cat([.. tokens.Select(t => t.flatten(0, 1))]);
        ModelBatch batch = new(
            inputs.Read("in.input_ids"), inputs.Read("in.labels"), all, TransformerParity.Mask(inputs), inputs.Has("in.latents_mask") ? TokenMask(inputs.Read("in.latents_mask"), tokens) : null);
        _model.train();
        _model.zero_grad();
        ModelLosses losses = _model.Losses(batch, noise, skipOutProjector: other is null);
        losses.Total.backward();
        FixtureCase.Exhausted(noise);
        fixture.Check("out.loss", losses.Total);
        fixture.Check("out.lm_loss", losses.Text);
        fixture.Check("out.im_loss", losses.Image.Mean);
        FlowHeadParity.CheckGradients(fixture, _model);
        if (fixture.Has("out.eval_logits"))
        {
            using IDisposable guard = no_grad();
            Evaluate(fixture, all, "out.eval_logits");
        }
    }

    private Tensor Evaluate(FixtureCase fixture, Tensor? tokens, string logits)
    {
        _model.eval();
        Tensor embedded = _model.Embed(fixture.Read("in.input_ids"), tokens);
        fixture.Check("out.inputs_embeds", embedded);
        Tensor hidden = _model.Transformer.Forward(embedded, TransformerParity.Mask(fixture));
        fixture.Check(logits, _model.Transformer.Logits(hidden.narrow(1, hidden.size(1) - 1, 1)));
        return hidden;
    }

    // One weight a picture, repeated for each of its tokens.
    private static Tensor TokenMask(Tensor perPicture, Tensor[] tokens)
    {
        long[] counts = [.. tokens.SelectMany(t => Enumerable.Repeat(t.size(1), (int)t.size(0)))];
        return cat([.. counts.Select((count, i) => perPicture.narrow(0, i, 1).expand(count))]).to_type(ScalarType.Float32);
    }
}
