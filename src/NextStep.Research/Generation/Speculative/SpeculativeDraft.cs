using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// A smaller model that proposes image tokens, which the model that draws verifies several at a time with one pass of its transformer. The pictures are distributed exactly
/// as those drawn without it, whatever it proposes; only the time depends on how good it is (continuous speculative decoding, CSpD, arXiv 2411.11925; the coupling is that of
/// De Bortoli et al. 2025, arXiv 2501.05370). It needs a solver whose every step is a Gaussian of a deviation known in advance: <c>sde</c>, <c>released</c>, or <c>cps</c>
/// with <see cref="NoisyCpsSolver.LastNoise"/>; and heads with a velocity. Pictures are drawn one at a time.
/// </summary>
/// <param name="Model">Lent: with the same words, the same autoencoder and a flow head.</param>
public sealed record SpeculativeDraft(LoadedModel Model)
{
    /// <summary>Tokens proposed at a time, k ≥ 1.</summary>
    public int Tokens { get; init; } = 4;

    /// <summary>Whether the draft is guided as the model is; without guidance it evaluates one row instead of two or three, and is accepted less often.</summary>
    public bool Guided { get; init; } = true;

    /// <summary>What was proposed and accepted so far, over all drawings with this object.</summary>
    public SpeculativeCounts Counts { get; } = new();

    /// <summary>Checks that its tokens mean the same to both models.</summary>
    /// <param name="model">The model that draws.</param>
    /// <param name="autoencoder">Its autoencoder.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="texts">Everything that will be read.</param>
    /// <exception cref="ArgumentException">They do not; the message says what differs.</exception>
    internal void Check(NextStepModel model, ImageAutoencoder autoencoder, TextTokenizer tokenizer, IEnumerable<string> texts)
    {
        if (Tokens < 1)
        {
            throw new ArgumentException($"A draft proposes at least one token at a time, not {Tokens}.");
        }
        if (!model.Config.Steps.Plain || !Model.Model.Config.Steps.Plain)
        {
            throw new ArgumentException("Drafts are of models that draw one token a step in raster order (model.tokensAStep 1, model.order raster); leave out the draft.");
        }
        if (Model.Model.Config.TokenWidth != model.Config.TokenWidth || Model.Model.Config.LatentPatchSize != model.Config.LatentPatchSize)
        {
            throw new ArgumentException($"The draft's tokens have {Model.Model.Config.TokenWidth} features, the model's {model.Config.TokenWidth}.");
        }
        if (Model.Tokenizer.VocabularySize != tokenizer.VocabularySize || Model.Tokenizer.Special != tokenizer.Special || texts.Any(t => !Model.Tokenizer.Encode(t).SequenceEqual(tokenizer.Encode(t))))
        {
            throw new ArgumentException("The draft reads other words than the model; a draft needs the same tokenizer.");
        }
        if (!ReferenceEquals(Model.Autoencoder, autoencoder) && !Alike(Model.Autoencoder, autoencoder))
        {
            throw new ArgumentException("The draft has another autoencoder than the model, so that its tokens are other pictures; train it with training.autoencoder.start set to the model's folder and images 0.");
        }
    }

    private static bool Alike(ImageAutoencoder one, ImageAutoencoder other)
    {
        (Parameter[] ours, Parameter[] theirs) = ([.. one.parameters()], [.. other.parameters()]);
        return ours.Length == theirs.Length && ours.Zip(theirs).All(p =>
        {
            using var scope = NewDisposeScope();
            return p.First.shape.SequenceEqual(p.Second.shape) && p.First.cpu().eq(p.Second.cpu()).all().item<bool>();
        });
    }
}

/// <summary>What a draft proposed and what became of it.</summary>
public sealed class SpeculativeCounts
{
    /// <summary>Image tokens drawn.</summary>
    public long Drawn { get; internal set; }

    /// <summary>Passes of the model's transformer, the prompt's left out.</summary>
    public long Passes { get; internal set; }

    /// <summary>Passes that drawing without a draft would have taken for the same pictures.</summary>
    public long PlainPasses { get; internal set; }

    /// <summary>Tokens that the draft proposed, those thrown away unseen among them.</summary>
    public long Proposed { get; internal set; }

    /// <summary>Proposed tokens that the model looked at: those before which all were accepted.</summary>
    public long Verified { get; internal set; }

    /// <summary>Verified tokens that were kept as they were.</summary>
    public long Accepted { get; internal set; }

    /// <summary>Solver steps of verified tokens.</summary>
    public long Steps { get; internal set; }

    /// <summary>Those after which the model stood where the draft did.</summary>
    public long AcceptedSteps { get; internal set; }

    /// <summary>Steps that the model's head evaluated one by one, off the draft's path.</summary>
    public long StepsAlone { get; internal set; }

    /// <summary>Milliseconds of the wall in the draft, prompts left out.</summary>
    public double DraftMilliseconds { get; internal set; }

    /// <summary>Milliseconds in the model's transformer, prompts left out.</summary>
    public double PassMilliseconds { get; internal set; }

    /// <summary>Milliseconds in the model's head.</summary>
    public double HeadMilliseconds { get; internal set; }

    /// <summary>The share of verified tokens that were accepted, 0 … 1.</summary>
    public double TokenShare => (double)Accepted / Math.Max(1, Verified);

    /// <summary>The share of verified steps that were accepted, 0 … 1.</summary>
    public double StepShare => (double)AcceptedSteps / Math.Max(1, Steps);
}
