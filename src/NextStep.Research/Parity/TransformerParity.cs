using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The language model: whole sequences, padding, positions, and every way of using the cache.</summary>
internal sealed class TransformerParity : ParityKind
{
    private readonly NextStepModel _model;

    public TransformerParity(FixtureFile file)
        : base(file)
    {
        _model = BuildModel(file.Config, file.Path);
        LoadWeights(_model, file.Source);
        _model.eval();
    }

    private CausalTransformer Transformer => _model.Transformer;

    public override void Run(FixtureCase fixture)
    {
        using IDisposable guard = no_grad();
        if (fixture.Name.StartsWith("incremental", StringComparison.Ordinal))
        {
            Incremental(fixture);
        }
        else if (fixture.Has("out.cos"))
        {
            TransformerConfig config = _model.Config.Transformer;
            RotaryAngles angles = RotaryAngles.At(fixture.Read("in.position_ids"), config.HeadDim, config.RopeTheta, ScalarType.Float32);
            fixture.Check("out.cos", angles.Cosine.squeeze(1));
            fixture.Check("out.sin", angles.Sine.squeeze(1));
            fixture.Check("out.inv_freq", RotaryAngles.InverseFrequencies(config.HeadDim, config.RopeTheta));
        }
        else if (fixture.Has("out.logits"))
        {
            Tensor hidden = Transformer.Forward(Transformer.Embed(fixture.Read("in.input_ids")), Mask(fixture));
            fixture.Check("out.logits", Transformer.Logits(hidden.narrow(1, hidden.size(1) - 1, 1)));
        }
        else
        {
            Whole(fixture);
        }
    }

    public override void Dispose() => _model.Dispose();

    private void Whole(FixtureCase fixture)
    {
        string? positions = ((string[])["in.position_ids", "in.cache_position"]).FirstOrDefault(fixture.Has);
        List<Tensor> states = [];
        Tensor hidden = Transformer.Forward(
            fixture.Read("in.embeds"), Mask(fixture), null, positions is null ? null : fixture.Read(positions), x => states.Add(x.clone().DetachFromDisposeScope()));
        fixture.Check("out.hidden", hidden, valid: Valid(fixture)?.unsqueeze(-1));
        if (fixture.Has("out.hidden_states"))
        {
            fixture.Check("out.hidden_states", stack(states));
        }
        states.ForEach(s => s.Dispose());
        fixture.Ignore("out.valid");
    }

    // One position at a time behind a prefill, or in pieces. Inputs are those of the case of a whole sequence.
    private void Incremental(FixtureCase fixture)
    {
        FixtureCase inputs = fixture.Has("in.embeds") ? fixture
            : File.Case(fixture.Json["inputs_of"]?.GetValue<string>() ?? (fixture.Json["prefill"] is null ? "full" : "left_padded"));
        Tensor embeds = inputs.Read("in.embeds");
        Tensor? mask = Mask(inputs);
        int length = (int)embeds.size(1);
        int[] cuts = fixture.Json["prefill"]?.GetValue<int>() is { } prefill
            ? [.. Enumerable.Range(prefill, length - prefill)]
            : [.. fixture.Json["cuts"]!.AsArray().Select(c => c!.GetValue<int>())];
        using KeyValueCache cache = new(_model.Config.Transformer, embeds.size(0), length, ScalarType.Float32, CPU);
        List<Tensor> pieces = [];
        int start = 0;
        foreach (int end in cuts.Append(length).Where(c => c > 0).Distinct())
        {
            pieces.Add(Transformer.Forward(embeds.narrow(1, start, end - start), mask?.narrow(1, 0, end), cache));
            start = end;
        }
        Tensor? valid = Valid(fixture);
        fixture.Check("out.hidden", cat(pieces, 1), valid: valid?.unsqueeze(-1));
        foreach (string name in fixture.Names("out.key_cache.").Concat(fixture.Names("out.value_cache.")))
        {
            (Tensor keys, Tensor values) = cache.Layer(int.Parse(name[(name.LastIndexOf('.') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
            fixture.Check(name, name.StartsWith("out.key", StringComparison.Ordinal) ? keys : values, valid: valid?.unsqueeze(1).unsqueeze(-1));
        }
        fixture.Ignore("out.valid");
    }

    internal static Tensor? Mask(FixtureCase fixture) => fixture.Has("in.attention_mask") ? fixture.Read("in.attention_mask").to_type(ScalarType.Bool) : null;

    private static Tensor? Valid(FixtureCase fixture) => fixture.Has("out.valid") ? fixture.Read("out.valid").to_type(ScalarType.Bool) : null;
}
