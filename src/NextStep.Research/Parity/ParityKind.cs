using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>How one kind of fixture is run. Modules are built in the constructor, outside any dispose scope.</summary>
internal abstract class ParityKind(FixtureFile file) : IDisposable
{
    protected FixtureFile File { get; } = file;

    /// <summary>The cases to run.</summary>
    public virtual IReadOnlyList<FixtureCase> Cases => File.Cases;

    /// <summary>Runs one case and checks its tensors.</summary>
    public abstract void Run(FixtureCase fixture);

    /// <summary>Frees the modules.</summary>
    public abstract void Dispose();

    /// <summary>The runner for the file's kind; a suffix of the kind names a variant.</summary>
    public static ParityKind For(FixtureFile file) => file.Kind switch
    {
        _ when Is(file, "fm_head_") => new FlowHeadParity(file),
        _ when Is(file, "llama_forward") => new TransformerParity(file),
        _ when Is(file, "nextstep_forward") => new ModelParity(file),
        _ when Is(file, "vae_io") => new AutoencoderParity(file),
        _ when Is(file, "t2i_model_weights") || Is(file, "vae_weights") || Is(file, "dtype_samples") || Is(file, "small_checkpoint") => new WeightsParity(file),
        _ when Is(file, "t2i_") || Is(file, "edit_") => new GenerationParity(file),
        _ => throw new InvalidDataException($"{file.Path}: fixtures of kind '{file.Kind}' are not known."),
    };

    /// <summary>The model that a fixture's configuration describes, weights not yet loaded. Structural ids that it lacks are 0: no fixture uses them.</summary>
    public static NextStepModel BuildModel(JsonObject config, string source)
    {
        SpecialTokens unused = new() { Pad = 0, ImageArea = 0, BeginOfImage = 0, EndOfImage = 0, ImagePlaceholder = 0, EndOfText = 0 };
        return new NextStepModel(ReleasedConfig.Read(JsonKeys.Of(config, source), unused));
    }

    /// <summary>Loads weights strictly; names with a slash are recordings, not weights.</summary>
    protected static void LoadPlain(nn.Module module, TensorSource source) =>
        StateDictLoader.Load(module, source, n => n.Contains('/', StringComparison.Ordinal) ? null : n, OptionalNames);

    /// <summary>As above, and quantizes what the file's scheme quantizes.</summary>
    /// <param name="module">The model, or a part of it.</param>
    /// <param name="source">Its weights.</param>
    /// <param name="prefix">Of the part's names in a model.</param>
    protected void LoadWeights(nn.Module module, TensorSource source, string prefix = "")
    {
        LoadPlain(module, source);
        if (File.Scheme is not { } scheme)
        {
            return;
        }
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in module.named_parameters().Where(p => QuantizedWeights.IsChosen(prefix + p.name, p.parameter.shape, scheme)))
        {
            parameter.requires_grad = false;
            using Tensor stored = scheme.Quantize(parameter.detach());
            TensorMemory.Assign(parameter, stored);
        }
    }

    /// <summary>Tensors that a checkpoint may hold or lack: the fixed position table.</summary>
    public static IReadOnlySet<string> OptionalNames { get; } = new HashSet<string> { "gen_pos_embed" };

    private static bool Is(FixtureFile file, string kind) => file.Kind.StartsWith(kind, StringComparison.Ordinal);
}
