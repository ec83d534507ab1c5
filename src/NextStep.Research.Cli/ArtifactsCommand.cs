using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using NextStep.Research.Experiments;
using Spectre.Console;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep artifacts</c>: block edges, lattices, noise and flat regions of pictures, without any model.</summary>
internal static class ArtifactsCommand
{
    private const int SelectivityPictures = 100;
    private const int SelectivitySize = 64;
    private static readonly Argument<string[]> Paths = new("PATH") { Description = "Pictures, folders of pictures, or a finished cell of a sweep.", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<int?> Patch = new("--patch") { Description = "Pixels per image token and side; default: the cell's, else 16 as in the released models." };
    private static readonly Option<int?> Stride = new("--stride") { Description = "Pixels per latent pixel and side; default: the cell's, else half the patch." };
    private static readonly Option<string?> Reference = new("--reference") { Description = "A folder of real pictures to relate to; default of a cell: its training pictures." };
    private static readonly Option<int?> Side = new("--resize") { Description = "Crop and resample every picture to this side first; changes what is measured." };
    private static readonly Option<bool> Skip = new("--skip-broken") { Description = "Leave out pictures that cannot be read." };
    private static readonly Option<string?> Maps = new("--heatmaps") { Description = "A folder for one PNG per picture and detector." };
    private static readonly Option<bool> Each = new("--each") { Description = "A row per picture." };
    private static readonly Option<bool> AsJson = new("--json") { Description = "One JSON document instead of a table." };
    private static readonly Option<bool> Selectivity = new("--selectivity") { Description = "Plant every artifact in the pictures (default: built-in ones) and show how each detector answers." };
    private static readonly Option<double> Strength = new("--strength") { Description = "Root mean square of what --selectivity plants, 1 = black to white.", DefaultValueFactory = _ => 0.05 };

    public static Command Create()
    {
        Command command = new("artifacts", """
            Measures the artifacts that autoregressive generators leave: block edges, lattices, noise, flat regions. Needs no model.
            Numbers depend on the content; give real pictures of the same kind as --reference and read generated ÷ real.

            Examples:
              nextstep artifacts drawn/ --reference photos/ --patch 16 --heatmaps maps/
              nextstep artifacts runs/quickstart/cells/3f2a --json > artifacts.json
            """)
        {
            Paths, Patch, Stride, Reference, Side, Skip, Maps, Each, AsJson, Selectivity, Strength,
        };
        foreach (Option<int?> option in (Option<int?>[])[Patch, Stride, Side])
        {
            option.Validators.Add(r =>
            {
                if (r.GetValueOrDefault<int?>() is < 1 or > 4096)
                {
                    r.AddError($"{option.Name} must be between 1 and 4096.");
                }
            });
        }
        command.Validators.Add(r =>
        {
            if (r.GetValue(Paths) is not { Length: > 0 } && !r.GetValue(Selectivity))
            {
                r.AddError("Name pictures, folders of pictures, or a cell.");
            }
        });
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
        return command;
    }

    private static int Run(ParseResult parse, CancellationToken cancellation)
    {
        using DisposeScope scope = NewDisposeScope();
        string[] paths = parse.GetValue(Paths) ?? [];
        TrainedCell? cell = paths.Length == 1 && Directory.Exists(paths[0]) ? TrainedCell.Find(paths[0]) : null;
        int token = parse.GetValue(Patch) ?? cell?.Config.Autoencoder.PixelsPerToken ?? (paths.Length == 0 ? 8 : 16);
        TokenGrid grid = new(token, parse.GetValue(Stride) ?? (parse.GetValue(Patch) is null ? cell?.Config.Autoencoder.Downsampling : null) ?? Math.Max(1, token / 2));
        if (grid.Token % grid.Stride != 0)
        {
            throw new ArgumentException($"A patch of {grid.Token} pixels is no multiple of a stride of {grid.Stride}.");
        }
        (Tensor pictures, string[] names) = Pictures(parse, paths, cell);
        if (parse.GetValue(Selectivity))
        {
            WriteMatrix(SelectivityStudy.Measure(pictures, grid, parse.GetValue(Strength)), parse.GetValue(AsJson));
            return 0;
        }
        Tensor? real = parse.GetValue(Reference) is { } folder
            ? Read(parse, [folder], "reading the reference").Pixels
            : cell is null ? null : OfCell(cell);
        IReadOnlyList<DetectorConfig> detectors = MeasureConsole.Detectors(cell?.Config.Evaluation.Detectors, parse);
        IReadOnlyList<ArtifactMeasurement> found = WorkProgress.Run(progress => ArtifactSuite.Measure(
            pictures, grid, detectors,
            parse.GetValue(Maps) is { } maps ? (detector, first, map) => SaveMaps(maps, detector, first, map, names) : null,
            (done, total) => progress.Report("artifacts", done, total), cancellation));
        IReadOnlyList<ArtifactMeasurement>? reference = real is null ? null : WorkProgress.Run(progress => ArtifactSuite.Measure(
            real, grid, detectors, null, (done, total) => progress.Report("artifacts of the reference", done, total), cancellation));
        if (parse.GetValue(AsJson))
        {
            WriteJson(found, reference, grid, names);
        }
        else
        {
            WriteTable(found, reference, parse.GetValue(Each) ? names : [], pictures, grid);
        }
        return 0;
    }

    private static (Tensor Pictures, string[] Names) Pictures(ParseResult parse, string[] paths, TrainedCell? cell)
    {
        if (paths.Length == 0)
        {
            return (DeadLeaves.Draw(SelectivityPictures, parse.GetValue(Side) ?? SelectivitySize, 0), []);
        }
        if (cell is not null)
        {
            (Tensor pixels, IReadOnlyList<string> prompts) = cell.Pictures();
            return (pixels, [.. prompts.Select((p, i) => string.Create(CultureInfo.InvariantCulture, $"{i + 1:D4} {p}"))]);
        }
        PictureSet set = Read(parse, paths, "reading pictures");
        return (set.Pixels, [.. set.Names]);
    }

    private static PictureSet Read(ParseResult parse, string[] paths, string what)
    {
        PictureSet set = WorkProgress.Run(progress => PictureSet.Load(
            paths, parse.GetValue(Side), parse.GetValue(Skip), (done, total) => progress.Report(what, done, total)));
        DataConsole.Show(set);
        return set;
    }

    private static Tensor? OfCell(TrainedCell cell)
    {
        DataConsole.Show(DataReport.Of([(Arm.Baseline, cell.Config)]));
        return CellMeasures.Reference(cell.Config);
    }

    private static void SaveMaps(string folder, IArtifactDetector detector, int first, Tensor map, string[] names)
    {
        Directory.CreateDirectory(folder);
        (double low, double high) = detector.Scale;
        using Tensor pictures = ArtifactMaps.Colored(map, low, high);
        for (int i = 0; i < map.size(0); i++)
        {
            string name = string.Concat(Path.GetFileNameWithoutExtension(names[first + i]).Select(c => char.IsLetterOrDigit(c) || c is '-' or '_' ? c : '-'));
            ImageFile.Save(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{first + i + 1:D4}-{name[..Math.Min(name.Length, 60)]}.{detector.Name}.png")), pictures[i]);
        }
    }

    private static void WriteTable(IReadOnlyList<ArtifactMeasurement> found, IReadOnlyList<ArtifactMeasurement>? reference, string[] names, Tensor pictures, TokenGrid grid)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn("artifact").AddColumn(new TableColumn("pictures").RightAligned());
        if (reference is not null)
        {
            table.AddColumn(new TableColumn("real").RightAligned()).AddColumn(new TableColumn("generated ÷ real").RightAligned());
        }
        table.AddColumns("unit", "meaning");
        for (int i = 0; i < found.Count; i++)
        {
            ArtifactMeasurement one = found[i];
            string[] related = reference is null ? [] : [MeasureConsole.Number(reference[i].Value), MeasureConsole.Number(one.Over(reference[i]))];
            table.AddRow([.. ((string[])[one.Detector.Name, MeasureConsole.Number(one.Value), .. related, Unit(one.Detector.Unit), one.Detector.Meaning]).Select(t => new Text(t))]);
        }
        AnsiConsole.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{pictures.size(0)} pictures of {pictures.size(3)}x{pictures.size(2)} pixels, tokens of {grid.Token}, stride {grid.Stride}"));
        AnsiConsole.Write(table);
        if (names.Length > 0)
        {
            Table each = new Table().Border(TableBorder.Simple).AddColumn("picture");
            foreach (ArtifactMeasurement one in found)
            {
                each.AddColumn(new TableColumn(one.Detector.Name).RightAligned());
            }
            for (int i = 0; i < names.Length; i++)
            {
                each.AddRow([new Text(names[i]), .. found.Select(f => new Text(MeasureConsole.Number(f.PerPicture[i])))]);
            }
            AnsiConsole.Write(each);
        }
    }

    private static void WriteJson(IReadOnlyList<ArtifactMeasurement> found, IReadOnlyList<ArtifactMeasurement>? reference, TokenGrid grid, string[] names) =>
        Console.Out.WriteLine(JsonSerializer.Serialize(
            new
            {
                grid,
                pictures = names,
                artifacts = found.Select((f, i) => new
                {
                    name = f.Detector.Name,
                    unit = Unit(f.Detector.Unit),
                    meaning = f.Detector.Meaning,
                    value = f.Value,
                    real = reference?[i].Value,
                    ratio = reference is null ? null : (double?)f.Over(reference[i]),
                    f.Details,
                    f.PerPicture,
                    f.ByToken,
                }),
            },
            MeasureConsole.Json));

    private static void WriteMatrix(IReadOnlyList<SelectivityRow> rows, bool json)
    {
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(
                rows.Select(r => new { r.Detector, r.Clean, r.Sensitivity, planted = r.Planted.ToDictionary(p => p.Key.ToString(), p => p.Value), response = r.Response.ToDictionary(p => p.Key.ToString(), p => p.Value), r.Dominance }),
                MeasureConsole.Json));
            return;
        }
        Table table = new Table().Border(TableBorder.Simple).AddColumn("detector").AddColumn(new TableColumn("clean").RightAligned());
        foreach (PlantedArtifact artifact in Enum.GetValues<PlantedArtifact>())
        {
            table.AddColumn(new TableColumn(artifact.ToString()).RightAligned());
        }
        table.AddColumn(new TableColumn("dominates").RightAligned()).AddColumn(new TableColumn("own, in σ of clean pictures").RightAligned());
        foreach (SelectivityRow row in rows)
        {
            table.AddRow([
                new Text(row.Detector), new Text(MeasureConsole.Number(row.Clean)),
                .. row.Response.Select(r => new Text(r.Value.ToString("0.00", CultureInfo.InvariantCulture) + (row.Own.Contains(r.Key) ? " *" : ""))),
                new Text(row.Dominance.ToString("0.0", CultureInfo.InvariantCulture) + " ×"), new Text(row.Sensitivity.ToString("0.0", CultureInfo.InvariantCulture))]);
        }
        AnsiConsole.Write(table);
        AnsiConsole.WriteLine("Entries: change of the detector's value in units of the change that its own artifact (*) causes.");
    }

    private static string Unit(ArtifactUnit unit) => unit switch
    {
        ArtifactUnit.Ratio => "ratio",
        ArtifactUnit.Decibels => "dB",
        ArtifactUnit.Level => "of full scale",
        _ => "share",
    };
}
