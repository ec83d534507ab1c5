using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using NextStep.Research.Experiments;
using Spectre.Console;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep evaluate</c>: every metric of a trained model, or of two folders of pictures.</summary>
internal static class EvaluateCommand
{
    private static readonly Argument<string?> Folder = new("DIR") { Description = "A finished cell of a sweep, or a trained model's folder.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string?> Pictures = new("--pictures") { Description = "Instead of a model: a folder of generated pictures." };
    private static readonly Option<string?> Reference = new("--reference") { Description = "The real pictures that --pictures are compared with." };
    private static readonly Option<int?> Patch = new("--patch") { Description = "With --pictures: pixels per image token and side; default: 16." };
    private static readonly Option<int?> Side = new("--resize") { Description = "With --pictures: crop and resample every picture to this side first." };
    private static readonly Option<bool> Skip = new("--skip-broken") { Description = "With --pictures: leave out pictures that cannot be read." };
    private static readonly Option<int?> Samples = new("--samples", "-n") { Description = "Draw so many pictures anew; default: those that the cell drew." };
    private static readonly Option<string[]> OwnMetrics = new("--metric") { Description = "A metric beside those that are always measured, as in evaluation.metrics: teacher-forced, or \"{ type: teacher-forced, edits: 20 }\"; repeatable.", HelpName = "metric" };
    private static readonly Option<string> Source = new("--source") { Description = "Of a model folder: shapes, emoji, foods, or a folder of captioned pictures.", DefaultValueFactory = _ => "shapes" };
    private static readonly Option<string?> Network = new("--onnx") { Description = "An ONNX network for the distances; default: the built-in random-conv-v1." };
    private static readonly Option<int?> NetworkSize = new("--onnx-size") { Description = "Side of its input; default: as the file fixes it." };
    private static readonly Option<double[]> NetworkMean = new("--onnx-mean") { Description = "Subtracted from values in that range: one number, or three.", AllowMultipleArgumentsPerToken = true };
    private static readonly Option<double[]> NetworkDeviation = new("--onnx-std") { Description = "Divided by after that: one number, or three.", AllowMultipleArgumentsPerToken = true };
    private static readonly Option<double[]> NetworkRange = new("--onnx-range") { Description = "Black and white in the values it is given: 0 1 (default), -1 1 or 0 255.", AllowMultipleArgumentsPerToken = true };
    private static readonly Option<string?> NetworkOutput = new("--onnx-output") { Description = "Its output with the features; default: the only one." };
    private static readonly Option<int?> NetworkAxis = new("--onnx-axis") { Description = "The axis of that output that counts features; default: as its shape says, the last of [n, tokens, d]." };
    private static readonly Option<string?> Maps = new("--heatmaps") { Description = "A folder for sheets of artifact heat maps." };
    private static readonly Option<string?> DeviceName = SharedOptions.Device();
    private static readonly Option<long?> Seed = new("--seed") { Description = "Seed of pictures drawn anew; default: the cell's." };
    private static readonly Option<WeightChoice?> Weights = SharedOptions.Weights();
    private static readonly Option<string?> Draft = new("--draft") { HelpName = "DIR", Description = "With --samples: a smaller model that proposes the tokens of the pictures drawn anew, as in nextstep generate." };
    private static readonly Option<bool> AsJson = new("--json") { Description = "One JSON document instead of a table." };

    public static Command Create()
    {
        Command command = new("evaluate", """
            Measures everything: distances to real pictures with what they depend on, artifacts, verified alignment with the verifier's own errors,
            reconstructions, latents, the decoder under noise, and drawn tokens under guidance. Of two folders of pictures: distances and artifacts.

            Examples:
              nextstep evaluate runs/quickstart/cells/3f2a
              nextstep evaluate --pictures drawn/ --reference photos/ --onnx inception.onnx --onnx-size 299 --onnx-mean 0.5 --onnx-std 0.5
              nextstep evaluate my-model -n 350 --metric teacher-forced
            """)
        {
            Folder, Pictures, Reference, Patch, Side, Skip, Samples, OwnMetrics, Source, Weights, Network, NetworkSize, NetworkRange, NetworkMean, NetworkDeviation, NetworkOutput, NetworkAxis, Maps, DeviceName, Seed, Draft, GenerateOptions.DraftTokens, GenerateOptions.SolverName, GenerateOptions.Level, GenerateOptions.CacheBits, AsJson,
        };
        command.Validators.Add(r =>
        {
            if (r.GetValue(Folder) is null == r.GetValue(Pictures) is null)
            {
                r.AddError("Name a trained cell or model folder, or --pictures with --reference.");
            }
            else if (r.GetValue(Pictures) is not null && r.GetValue(Reference) is null)
            {
                r.AddError("--pictures needs --reference, a folder of real pictures.");
            }
            else if (r.GetValue(Samples) is < 1)
            {
                r.AddError("--samples must be at least 1.");
            }
            else if (r.GetValue(Samples) is null && (r.GetValue(Draft) is not null || r.GetValue(GenerateOptions.SolverName) is not null || r.GetValue(GenerateOptions.Level) is not null || r.GetValue(GenerateOptions.CacheBits) is not null))
            {
                r.AddError("--draft, --solver, --noise-level and --cache-bits say how pictures are drawn anew; give their number with --samples.");
            }
        });
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
        return command;
    }

    private static int Run(ParseResult parse, CancellationToken cancellation)
    {
        using DisposeScope scope = NewDisposeScope();
        using Measurements all = new();
        Stopwatch clock = Stopwatch.StartNew();
        int count = parse.GetValue(Pictures) is { } drawn ? OfPictures(parse, all, drawn, cancellation) : OfModel(parse, all, parse.GetValue(Folder)!, cancellation);
        if (parse.GetValue(Maps) is { } maps)
        {
            MeasureConsole.SaveMaps(all, maps);
        }
        if (parse.GetValue(AsJson))
        {
            MeasureConsole.WriteJson(all);
        }
        else
        {
            MeasureConsole.WriteTable(all);
            AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} pictures, {clock.Elapsed.TotalSeconds:F1} s; curves: --json"));
        }
        return 0;
    }

    private static int OfPictures(ParseResult parse, Measurements all, string folder, CancellationToken cancellation)
    {
        PictureSet Load(string path, string what) => WorkProgress.Run(progress => PictureSet.Load(
            [path], parse.GetValue(Side), parse.GetValue(Skip), (done, total) => progress.Report(what, done, total)));
        PictureSet drawn = Load(folder, "reading pictures"), real = Load(parse.GetValue(Reference)!, "reading the reference");
        if (drawn.Pixels.size(2) != real.Pixels.size(2) || drawn.Pixels.size(3) != real.Pixels.size(3))
        {
            throw new InvalidDataException(
                $"The pictures in {folder} are {drawn.Pixels.size(3)}x{drawn.Pixels.size(2)}, those in {parse.GetValue(Reference)} {real.Pixels.size(3)}x{real.Pixels.size(2)}; bring both to one size with --resize.");
        }
        all.Gaps.AddRange(SourceReport.Group(drawn.Skipped.Concat(real.Skipped)).Select(u => SourceReport.Line(u)));
        int token = parse.GetValue(Patch) ?? 16;
        using IFeatureNetwork network = Configured(parse, new EvaluationConfig()).OpenNetwork();
        PictureMeasures.AddDistances(all, drawn.Pixels, real.Pixels, network, cancellation);
        PictureMeasures.AddArtifacts(all, drawn.Pixels, real.Pixels, new TokenGrid(token, Math.Max(1, token / 2)), MeasureConsole.Detectors(null, parse), (int)drawn.Pixels.size(0), cancellation);
        Measure(all, cancellation);
        return drawn.Names.Count;
    }

    private static int OfModel(ParseResult parse, Measurements all, string folder, CancellationToken cancellation)
    {
        TrainedCell? cell = Directory.Exists(folder) ? TrainedCell.Find(folder) : null;
        string device = parse.GetValue(DeviceName) ?? cell?.Config.Device ?? "cpu";
        using LoadedModel loaded = ReleasedFolder.Load(folder, new LoadOptions
        {
            Devices = Devices.Parse(device),
            Dtype = (cell?.Config.Precision ?? Precision.Float32).ToScalarType(),
            Note = Console.Error.WriteLine,
            Weights = parse.GetValue(Weights),
        });
        loaded.Notes.ToList().ForEach(Console.Error.WriteLine);
        ResearchConfig config = cell?.Config ?? OfFolder(loaded, parse.GetRequiredValue(Source));
        config = config with
        {
            Device = device,
            Seed = parse.GetValue(Seed) ?? config.Seed,
            Sampling = config.Sampling with
            {
                Solver = parse.GetValue(GenerateOptions.SolverName) ?? config.Sampling.Solver,
                NoiseLevel = parse.GetValue(GenerateOptions.Level) ?? config.Sampling.NoiseLevel,
                CacheBits = parse.GetValue(GenerateOptions.CacheBits) ?? config.Sampling.CacheBits,
            },
            Evaluation = Configured(parse, config.Evaluation) with
            {
                Samples = parse.GetValue(Samples) ?? config.Evaluation.Samples,
                Metrics = [.. config.Evaluation.Metrics, .. (parse.GetValue(OwnMetrics) ?? []).Select(MetricOf)],
            },
        };
        all.Gaps.AddRange(DataReport.Of([(Arm.Baseline, config)]).Lines);
        bool anew = cell is null || parse.GetValue(Samples) is not null || parse.GetValue(Seed) is not null;
        (Tensor pictures, IReadOnlyList<string> prompts) = anew ? Draw(parse, config, loaded, cancellation) : cell!.Pictures();
        using IFeatureNetwork network = config.Evaluation.OpenNetwork();
        CellMeasures.Add(all, config, pictures, prompts, network, loaded, cancellation);
        if (cell is not null && !anew)
        {
            CellMeasures.AddEdits(all, cell.Config, Path.Combine(cell.Folder, "samples"), loaded.Autoencoder);
        }
        CellMeasures.AddModel(all, config, loaded.Autoencoder, cancellation);
        Measure(all, cancellation);
        return prompts.Count;
    }

    private static void Measure(Measurements all, CancellationToken cancellation) => WorkProgress.Run(progress =>
    {
        all.Run(p => progress.Report(p.What, p.Done, p.Total), cancellation);
        return true;
    });

    private static (Tensor Pictures, IReadOnlyList<string> Prompts) Draw(ParseResult parse, ResearchConfig config, LoadedModel loaded, CancellationToken cancellation)
    {
        IReadOnlyList<string> prompts = CellMeasures.Prompts(config);
        using LoadedModel? proposing = parse.GetValue(Draft) is { } folder
            ? ReleasedFolder.Load(folder, new LoadOptions { Devices = Devices.Parse(config.Device), Dtype = config.Precision.ToScalarType(), Note = Console.Error.WriteLine })
            : null;
        SpeculativeDraft? draft = proposing is null ? null : new SpeculativeDraft(proposing) { Tokens = parse.GetValue(GenerateOptions.DraftTokens) ?? 4 };
        GenerationRequest request = new() { Prompts = prompts, Height = config.Data.ImageSize, Width = config.Data.ImageSize, Sampling = config.Sampling, Seed = config.Seed, Draft = draft };
        Tensor pictures = WorkProgress.Run(progress => loaded.Generator().Draw(request, p => progress.Report("drawing", p.Tokens, p.Total, "tokens"), cancellation).cpu());
        if (draft is not null)
        {
            Console.Error.WriteLine($"draft: {SpeculativeEstimate.Describe(draft.Counts)}");
        }
        return (pictures, prompts);
    }

    private static Metric MetricOf(string text) =>
        (Metric?)ConfigComponent.Read(typeof(Metric), YamlFile.ParseValue(text, "--metric", "--metric"), out string? problem) ?? throw new InvalidDataException($"--metric {text}: {problem}");

    // A model folder says how it was built, not what it was trained on.
    private static ResearchConfig OfFolder(LoadedModel loaded, string source) => new()
    {
        Data = DataCommand.ConfigFor(source, loaded.ImageSize ?? throw new InvalidDataException("The model's folder does not say the size of its training pictures; evaluate pictures that it drew with --pictures.")),
        Autoencoder = loaded.Autoencoder.Config,
        Sampling = loaded.Sampling,
    };

    private static EvaluationConfig Configured(ParseResult parse, EvaluationConfig evaluation) => parse.GetValue(Network) is not { } file ? evaluation : evaluation with
    {
        Network = file,
        NetworkSize = parse.GetValue(NetworkSize),
        NetworkOutput = parse.GetValue(NetworkOutput),
        NetworkAxis = parse.GetValue(NetworkAxis),
        NetworkRange = parse.GetValue(NetworkRange) is { Length: > 0 } range ? range : [0, 1],
        NetworkMean = parse.GetValue(NetworkMean) is { Length: > 0 } mean ? mean : [0],
        NetworkDeviation = parse.GetValue(NetworkDeviation) is { Length: > 0 } deviation ? deviation : [1],
    };
}
