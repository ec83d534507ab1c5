using System.CommandLine;
using System.Globalization;
using NextStep.Research.Experiments;

namespace NextStep.Research.Cli;

/// <summary>The options of <c>generate</c> and <c>edit</c>.</summary>
internal static class GenerateOptions
{
    public static readonly Option<string> Model = new("--model", "-m") { Description = "A trained cell, or a folder in the released layout; default: the small model of the shapes world that comes with nextstep.", DefaultValueFactory = _ => ShippedModel.Folder };
    public static readonly Option<string[]> Prompt = new("--prompt", "-p") { Description = "What to draw; repeat for several prompts." };
    public static readonly Option<string?> Like = new("--like") { HelpName = "FILE.png", Description = "Draws what this file was drawn from (model, prompts, seed, settings), to the same bytes on the same machine; other options change single things." };
    public static readonly Option<string?> Animate = new("--animate") { HelpName = "FILE.gif", Description = "Also writes a GIF of the pictures growing token by token, in at most 64 steps." };
    public static readonly Option<int> Count = AtLeast(1, new Option<int>("--count", "-n") { Description = "Pictures per prompt.", DefaultValueFactory = _ => 1 });
    public static readonly Option<string> Output = SharedOptions.Picture(new("--output", "-o") { Description = "The picture (.png, .jpg or .webp; PNG keeps what it was drawn from), several on one sheet; or a folder (existing, or ending in /) for one PNG a picture." });
    public static readonly Option<bool> Estimate = new("--estimate") { Description = "Draws no picture: prints the memory that it would take before the weights are read, and the time from a second or more of its first tokens." };
    public static readonly Option<bool> Full = new("--full") { Description = "Draws with the model as it was trained. Without it, and without options of the sampling below, a model that has a distilled form (a folder \"distilled\" in its own) draws with that: few steps, no guidance." };
    public static readonly Option<WeightChoice?> Weights = SharedOptions.Weights();
    public static readonly Option<string[]> Images = new("--image", "-i") { Description = "An input picture; repeat for several, in the order of the <image> markers. A single one serves every prompt." };
    public static readonly Option<string> Preset = new("--preset") { Description = $"Published settings: {string.Join(", ", SamplingPresets.All.Select(p => p.Name))}." };
    public static readonly Option<string> Positive = new("--positive-prompt") { Description = "Appended to every prompt." };
    public static readonly Option<string> Negative = new("--negative-prompt") { Description = "Text of the unconditional branch." };
    public static readonly Option<double?> Scale = Within(0, 100, new Option<double?>("--guidance") { Description = "Guidance scale; 1 = none." });
    public static readonly Option<double?> ImageScale = Within(0, 100, new Option<double?>("--image-guidance") { Description = "Guidance towards the input picture; 1 = none." });
    public static readonly Option<GuidanceSchedule?> Schedule = Named(new Option<GuidanceSchedule?>("--guidance-schedule") { Description = "constant, linear-decreasing or linear-increasing." });
    public static readonly Option<SamplingSolver?> SolverName = Named(new Option<SamplingSolver?>("--solver") { Description = "ode, heun, sde, cps, noisy-cps, reference (the first release's sampler, quirks included) or released (that of the code inside the released folders)." });
    public static readonly Option<int?> Steps = AtLeast(1, new Option<int?>("--steps") { Description = "Head evaluations per image token." });
    public static readonly Option<double?> Shift = Within(0.01, 100, new Option<double?>("--timestep-shift") { Description = "Above 1: more steps near the noise end." });
    public static readonly Option<double?> Level = Within(0, 1, new Option<double?>("--noise-level") { Description = "η of the solvers sde and cps." });
    public static readonly Option<int?> CacheBits = EightBits(new Option<int?>("--cache-bits") { HelpName = "8", Description = "Keeps the keys and values of earlier tokens in 8 bits each, a quarter of the memory; default: float32 on the CPU, the model's number format elsewhere." });
    public static readonly Option<bool?> Normalize = new("--normalize-tokens") { Description = "Project each sampled token to mean 0 and variance 1; default: exactly when the autoencoder does." };
    public static readonly Option<string?> Draft = new("--draft") { HelpName = "DIR", Description = "A smaller model with the same words and autoencoder that proposes tokens, which the model verifies several at a time: pictures of the same distribution, one at a time. Needs the solver sde, or noisy-cps, whose last step is none that is fixed either: --solver \"{ type: noisy-cps, lastNoise: 0.05 }\"." };
    public static readonly Option<int?> DraftTokens = AtLeast(1, new Option<int?>("--draft-tokens") { Description = "Tokens that the draft proposes at a time; default: 4." });
    public static readonly Option<bool> DraftUnguided = new("--draft-unguided") { Description = "The draft proposes without guidance." };
    public static readonly Option<int?> Height = AtLeast(1, new Option<int?>("--height") { Description = "Pixels; default: the training size, else the preset's, else 512." });
    public static readonly Option<int?> Width = AtLeast(1, new Option<int?>("--width") { Description = "Pixels; default as for --height." });
    public static readonly Option<double?> Aspect = new("--aspect")
    {
        HelpName = "W:H",
        Description = "Instead of --height and --width: the trained shape nearest to this one, for instance 16:9, with the area of the default square.",
        CustomParser = result =>
        {
            string[] parts = result.Tokens[0].Value.Split(':');
            if (parts.Length == 2 && double.TryParse(parts[0], CultureInfo.InvariantCulture, out double w) && double.TryParse(parts[1], CultureInfo.InvariantCulture, out double h) && w > 0 && h > 0 && double.IsFinite(h / w))
            {
                return h / w;
            }
            result.AddError($"'{result.Tokens[0].Value}' is not a shape; write width:height, for instance 16:9.");
            return null;
        },
    };

    public static readonly Option<string> Noise = new("--noise") { Description = "A safetensors file of recorded draws: draws.run0, draws.run1, …" };
    public static readonly Option<string> SaveNoise = new("--save-noise") { Description = "Writes the draws to a file for --noise, which then gives the same picture on any machine, up to rounding." };
    public static readonly Option<long> Seed = new("--seed") { Description = "Seed of the noise.", DefaultValueFactory = _ => 42 };
    public static readonly Option<int> Batch = AtLeast(1, new Option<int>("--batch") { Description = "Pictures drawn at once; fewer need less memory.", DefaultValueFactory = _ => 64 });
    public static readonly Option<string> Device = new("--device") { Description = "cpu, cuda:0, or several over which the layers are spread by free memory: cuda:0,cuda:1 or cuda:0,cpu.", DefaultValueFactory = _ => "cpu" };
    public static readonly Option<Precision?> PrecisionName = new("--precision") { Description = "float32, bfloat16 or float16; default: float32 on the CPU, as stored elsewhere." };

    static GenerateOptions()
    {
        Animate.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !result.Tokens[0].Value.EndsWith(".gif", StringComparison.OrdinalIgnoreCase))
            {
                result.AddError($"--animate is '{result.Tokens[0].Value}', but animations are written as GIF; call it {Path.GetFileNameWithoutExtension(result.Tokens[0].Value)}.gif.");
            }
        });
        Preset.Validators.Add(result => Explain(result.AddError, () => SamplingPresets.Find(result.GetValueOrDefault<string>())));
        Device.Validators.Add(result => Explain(result.AddError, () => Devices.Names(result.GetValueOrDefault<string>())));
        Aspect.Validators.Add(result =>
        {
            if (result.GetResult(Height) is not null || result.GetResult(Width) is not null)
            {
                result.AddError("--aspect stands for --height and --width; give one or the other.");
            }
        });
    }

    /// <summary>Those that both verbs have, in the order of the help.</summary>
    public static void AddTo(Command command, params Option[] first)
    {
        Option[] all =
        [
            Model, Weights, Full, Prompt, .. first, Count, Like, Output, Estimate, Animate, Preset, Positive, Negative, Scale, Schedule, SolverName, Steps, Shift, Level, Normalize, CacheBits, Draft, DraftTokens, DraftUnguided, Height, Width, Aspect, Noise, SaveNoise, Seed, Batch, Device,
            PrecisionName,
        ];
        foreach (Option option in all)
        {
            command.Options.Add(option);
        }
        command.Validators.Add(result =>
        {
            if (result.GetResult(Output) is null && result.GetResult(Estimate) is null)
            {
                result.AddError($"{Output.Name} is missing; it says where the picture goes. With {Estimate.Name} nothing is drawn.");
            }
            if (result.GetResult(Like) is not null)
            {
                return;
            }
            foreach (Option needed in all.Where(o => (o == Prompt || o == Images) && result.GetResult(o) is null))
            {
                result.AddError($"{needed.Name} is missing; without --like FILE.png it says {(needed == Prompt ? "what to draw" : "which picture to change")}.");
            }
        });
    }

    /// <summary>Those that say how a model draws; a distilled form has learned one way only.</summary>
    public static IReadOnlyList<Option> OfSampling { get; } = [Weights, Preset, Scale, ImageScale, Schedule, SolverName, Steps, Shift, Level, CacheBits, Draft];

    /// <summary>An option that must be at least so much.</summary>
    public static Option<T> AtLeast<T>(int least, Option<T> option)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out int value) && value < least)
            {
                result.AddError($"{option.Name} is {value}; it must be at least {least}.");
            }
        });
        return option;
    }

    // The range is the config's; its sentence comes from here, since the option is read before a config is.
    private static Option<int?> EightBits(Option<int?> option)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out int value) && value != KeyValueCache.ByteBits)
            {
                result.AddError($"{option.Name} is {value}; keys and values are kept in {KeyValueCache.ByteBits} bits, or, without the option, as they are computed.");
            }
        });
        return option;
    }

    /// <summary>An option that must lie between two numbers.</summary>
    public static Option<double?> Within(double least, double most, Option<double?> option)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && double.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out double value) && !(value >= least && value <= most))
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{option.Name} is {value}; it must be within {least} and {most}."));
            }
        });
        return option;
    }

    // A component by its name, one that --uses brought in among them.
    private static Option<T?> Named<T>(Option<T?> option)
        where T : ComponentConfig
    {
        option.CustomParser = result =>
        {
            string name = result.Tokens[0].Value;
            if (name.StartsWith('{'))
            {
                T? whole = (T?)ConfigComponent.Read(typeof(T), YamlFile.ParseValue(name, option.Name, option.Name), out string? problem);
                if (whole is null)
                {
                    result.AddError($"{option.Name} {name}: {problem}");
                }
                return whole;
            }
            if (ComponentCatalog.Find(typeof(T), name) is { } type)
            {
                return (T)Activator.CreateInstance(type)!;
            }
            result.AddError($"{option.Name} is '{name}'; known are {string.Join(", ", ComponentCatalog.Of(typeof(T)).Select(ComponentCatalog.NameOf))}.");
            return null;
        };
        return option;
    }

    private static void Explain(Action<string> add, Action check)
    {
        try
        {
            check();
        }
        catch (ArgumentException e)
        {
            add(e.Message);
        }
    }
}
