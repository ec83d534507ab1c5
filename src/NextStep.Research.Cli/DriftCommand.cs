using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using TorchSharp;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep drift</c>: how far a changed copy of a model is from the original, layer by layer.</summary>
internal static class DriftCommand
{
    private static readonly Argument<string> Original = new("ORIGINAL") { Description = "A trained cell, or a folder in the released layout." };
    private static readonly Argument<string> Changed = new("CHANGED") { Description = "A copy of it: quantized, converted; or the same folder, with --precision." };
    private static readonly Option<string[]> Prompt = new("--prompt", "-p") { Description = "What to draw; repeat for several. Default: captions of the shapes world." };
    private static readonly Option<int> Count = GenerateOptions.AtLeast(1, new Option<int>("--count", "-n") { Description = "Captions of the shapes world, where no prompt is given.", DefaultValueFactory = _ => 14 });
    private static readonly Option<int?> Side = GenerateOptions.AtLeast(1, new Option<int?>("--side") { Description = "Pixels of the pictures; default: the training size, else 256." });
    private static readonly Option<int?> Steps = GenerateOptions.AtLeast(1, new Option<int?>("--steps") { Description = "Head evaluations per image token; default: as saved with the model." });
    private static readonly Option<double?> Scale = GenerateOptions.Within(0, 100, new Option<double?>("--guidance") { Description = "Guidance scale; 1 = none; default: as saved with the model." });
    private static readonly Option<long> Seed = new("--seed") { Description = "Seed of captions, noise and flow times." };
    private static readonly Option<Precision> OriginalPrecision = new("--original-precision") { Description = "Of the original: float32, bfloat16 or float16.", DefaultValueFactory = _ => Precision.Float32 };
    private static readonly Option<Precision> ChangedPrecision = new("--precision") { Description = "Of the copy: float32, bfloat16 or float16.", DefaultValueFactory = _ => Precision.Float32 };
    private static readonly Option<bool> AsJson = new("--json") { Description = "One JSON document instead of tables." };

    public static Command Create()
    {
        Command command = new("drift", """
            Compares a changed copy of a model with the original on the CPU: hidden states after every layer, the head's conditions and velocities,
            all after the same tokens; then the tokens that each draws after its own from the same noise. Errors are relative, |changed - original| / |original|.

            Examples:
              nextstep convert my-model my-model-int4 --dtype int4
              nextstep drift my-model my-model-int4
              nextstep drift my-model my-model --precision bfloat16 -p "a red circle" --json
            """)
        {
            Original, Changed, Prompt, Count, Side, Steps, Scale, Seed, OriginalPrecision, ChangedPrecision, AsJson,
        };
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
        return command;
    }

    private static int Run(ParseResult parse, CancellationToken cancellation)
    {
        using LoadedModel original = ReleasedFolder.Load(parse.GetRequiredValue(Original), dtype: parse.GetValue(OriginalPrecision).ToScalarType());
        using LoadedModel changed = ReleasedFolder.Load(parse.GetRequiredValue(Changed), dtype: parse.GetValue(ChangedPrecision).ToScalarType());
        int side = parse.GetValue(Side) ?? original.ImageSize ?? 256;
        ModelDriftOptions options = new()
        {
            Prompts = parse.GetValue(Prompt) is { Length: > 0 } given ? given : Captions(parse.GetValue(Count), parse.GetValue(Seed)),
            Height = side,
            Width = side,
            Seed = parse.GetValue(Seed),
            Sampling = original.Sampling with { Steps = parse.GetValue(Steps) ?? original.Sampling.Steps, Guidance = parse.GetValue(Scale) ?? original.Sampling.Guidance },
        };
        ModelDrift drift = Progress(step => ModelDrift.Measure(original, changed, options, step, cancellation));
        if (parse.GetValue(AsJson))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { prompts = options.Prompts, drift.States, drift.Velocities, drift.Tokens }, MeasureConsole.Json));
            return 0;
        }
        Show("state", drift.States);
        if (drift.Velocities.Count > 0)
        {
            Show("velocity", drift.Velocities);
        }
        else
        {
            AnsiConsole.WriteLine($"The head {original.Model.Head.GetType().Name} has no velocity to compare.");
        }
        Table table = new Table().Border(TableBorder.Simple).AddColumn("tokens drawn, in raster order").AddColumn(new TableColumn("relative").RightAligned());
        for (int quarter = 0; quarter < 4; quarter++)
        {
            int from = drift.Tokens.Count * quarter / 4, to = drift.Tokens.Count * (quarter + 1) / 4;
            if (to > from)
            {
                table.AddRow($"{from + 1} to {to}", Number(Math.Sqrt(drift.Tokens.Skip(from).Take(to - from).Average(e => e * e))));
            }
        }
        AnsiConsole.Write(table);
        AnsiConsole.WriteLine($"{options.Prompts.Count} {(options.Prompts.Count == 1 ? "prompt" : "prompts")}; by token: --json");
        return 0;
    }

    private static string[] Captions(int count, long seed)
    {
        ShapeSkill[] skills = Enum.GetValues<ShapeSkill>();
        return [.. Enumerable.Range(0, count).Select(i => CaptionGrammar.Write(CaptionGrammar.Describe(
            SceneGenerator.Draw(skills[i % skills.Length], PairSplit.Seen, Streams.Managed(seed, "drift.scene", i)), skills[i % skills.Length])))];
    }

    private static ModelDrift Progress(Func<Action<string>, ModelDrift> measure) => Console.IsErrorRedirected
        ? measure(_ => { })
        : AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }).Status().Start("drawing", context => measure(step => context.Status(Markup.Escape(step))));

    private static void Show(string kind, IReadOnlyList<DriftPart> parts)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn(kind).AddColumn(new TableColumn("relative").RightAligned()).AddColumn(new TableColumn("worst position").RightAligned());
        foreach (DriftPart part in parts)
        {
            table.AddRow(new Text(part.Name), new Text(Number(part.Relative)), new Text(Number(part.Worst)));
        }
        AnsiConsole.Write(table);
    }

    private static string Number(double value) => value.ToString("0.0e+00", CultureInfo.InvariantCulture);
}
