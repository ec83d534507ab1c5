using System.Text.Json.Nodes;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The head alone: its network, its loss with all gradients, and the first release's sampler.</summary>
internal sealed class FlowHeadParity : ParityKind
{
    private const int MostAnything = 131_072;

    private readonly FlowMatchingHead _head;

    public FlowHeadParity(FixtureFile file)
        : base(file)
    {
        JsonKeys keys = JsonKeys.Of(file.Config, file.Path);
        _head = new FlowMatchingHead(new FlowHeadConfig
        {
            TokenWidth = keys.Size(MostAnything, null, "input_dim"),
            ConditionWidth = keys.Size(MostAnything, null, "cond_dim"),
            Width = keys.Size(MostAnything, null, "dim"),
            Layers = keys.Size(MostAnything, null, "layers"),
            MlpRatio = keys.Double("mlp_ratio", 1),
        });
        LoadWeights(_head, file.Source, "image_head.");
    }

    public override void Run(FixtureCase fixture)
    {
        if (fixture.Has("in.target"))
        {
            Loss(fixture);
            return;
        }
        using IDisposable guard = no_grad();
        if (fixture.Has("out.embedding"))
        {
            fixture.Check("out.embedding", TimestepEmbedder.Sinusoids(
                fixture.Read("in.t"), (int)fixture.Read("out.embedding").size(1), fixture.Json["max_period"]?.GetValue<double>() ?? 10_000));
        }
        else if (fixture.Has("out.v"))
        {
            fixture.Check("out.v", _head.Network.forward(fixture.Read("in.x"), fixture.Read("in.t"), fixture.Read("in.c")));
        }
        else if (fixture.Has("out.score"))
        {
            Tensor t = fixture.Read("in.t").unsqueeze(-1);
            fixture.Check("out.score", FlowSolver.Score(fixture.Read("in.x"), fixture.Read("in.velocity"), t));
        }
        else if (fixture.Has("in.x"))
        {
            fixture.Check("out.x", TokenNormalization.Apply(fixture.Read("in.x")));
        }
        else
        {
            Sample(fixture);
        }
    }

    public override void Dispose() => _head.Dispose();

    private void Loss(FixtureCase fixture)
    {
        using RecordedNoise noise = fixture.Draws();
        Tensor target = fixture.Read("in.target").clone().requires_grad_(true), condition = fixture.Read("in.c").clone().requires_grad_(true);
        _head.zero_grad();
        TokenLoss loss = _head.Loss(target, condition, noise, fixture.Has("in.mask") ? fixture.Read("in.mask") : null);
        loss.Mean.backward();
        FixtureCase.Exhausted(noise);
        fixture.Check("out.loss", loss.Mean);
        fixture.Check("grad.in.target", target.grad!);
        fixture.Check("grad.in.c", condition.grad!);
        CheckGradients(fixture, _head);
    }

    /// <summary>Every recorded parameter gradient; one that we do not have counts as zero.</summary>
    public static void CheckGradients(FixtureCase fixture, nn.Module module)
    {
        Dictionary<string, Parameter> parameters = module.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        foreach (string name in fixture.Names("grad.").Where(n => !n.StartsWith("grad.in.", StringComparison.Ordinal)))
        {
            if (!parameters.TryGetValue(name["grad.".Length..], out Parameter? parameter))
            {
                throw new InvalidDataException($"A gradient of '{name["grad.".Length..]}' is recorded, but we have no such parameter.");
            }
            fixture.Check(name, parameter.grad ?? zeros_like(parameter));
        }
    }

    private void Sample(FixtureCase fixture)
    {
        using RecordedNoise noise = fixture.Draws();
        using FlowSampler sampler = new(_head.Network, new FlowSamplerOptions
        {
            Solver = SamplingSolver.Reference,
            Steps = fixture.Argument("num_sampling_steps", 20),
            TimestepShift = fixture.Argument("timesteps_shift", 1.0),
            LastStep = (float)fixture.Argument("last_step_size", TimestepSchedule.ReferenceLastStep),
            NoiseRepeat = fixture.Argument("noise_repeat", 1),
        });
        List<Tensor> states = [];
        Tensor drawn = sampler.Sample(
            fixture.Read("in.c"), ReferenceGuidance(fixture.Argument("cfg", 1.0), fixture.Argument("cfg2", 1.0)), noise, x => states.Add(x.clone().DetachFromDisposeScope()));
        FixtureCase.Exhausted(noise);
        fixture.Check("out.x", drawn);
        fixture.Check("out.xs", stack(states));
        states.ForEach(s => s.Dispose());
    }

    // The reference counts a branch for each scale above 1 and then mixes by their number alone (fixtures README, quirk 5):
    // with cfg = 1 and cfg2 > 1 the second block is an unconditional one, and a scale below 1 guides nothing.
    private static Guidance ReferenceGuidance(double scale, double imageScale) => (1 + (scale > 1 ? 1 : 0) + (imageScale > 1 ? 1 : 0)) switch
    {
        1 => Guidance.Off,
        2 => new Guidance(GuidanceBranches.Text, scale),
        _ => new Guidance(GuidanceBranches.TextAndImage, scale, imageScale),
    };
}
