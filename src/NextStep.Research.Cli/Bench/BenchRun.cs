using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>The measuring part of <c>nextstep bench</c>.</summary>
internal static class BenchRun
{
    private const string Everything = "all";

    /// <summary>Lets <paramref name="command"/> take cases and options and measure.</summary>
    public static void AddTo(Command command)
    {
        string[] names = [.. BenchCases.All.SelectMany(c => c.Names)];
        Argument<string[]> cases = new("case") { Description = $"{Everything}, or some of {string.Join(", ", names)}.", Arity = ArgumentArity.ZeroOrMore, DefaultValueFactory = _ => [Everything] };
        cases.AcceptOnlyFromAmong([Everything, .. names]);
        Option<string> against = new("--against") { Description = "naive: the op-by-op form of the same algorithm runs in turn with ours; none: only ours.", DefaultValueFactory = _ => "naive" };
        against.AcceptOnlyFromAmong("naive", "none");
        Option<int> rounds = new("--rounds") { Description = "Measured rounds; medians are printed.", DefaultValueFactory = _ => 5 };
        rounds.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<int>() < 1)
            {
                r.AddError("--rounds must be at least 1.");
            }
        });
        Option<string> clock = new("--clock") { Description = "wall; or cpu: processor time, for a machine that others use, with OMP_NUM_THREADS=1.", DefaultValueFactory = _ => "wall" };
        clock.AcceptOnlyFromAmong("wall", "cpu");
        Option<bool> markdown = new("--markdown") { Description = "Print the table of the README." };
        Option<bool> json = new("--json") { Description = "Print every number as JSON." };
        command.Add(cases);
        command.Add(against);
        command.Add(rounds);
        command.Add(clock);
        command.Add(markdown);
        command.Add(json);
        command.SetAction(parse =>
        {
            Timings.OfProcessor = parse.GetValue(clock) == "cpu";
            Run(
                parse.GetRequiredValue(cases), new BenchOptions(parse.GetValue(rounds), parse.GetValue(against) == "naive"),
                parse.GetValue(markdown), parse.GetValue(json));
            return 0;
        });
    }

    private static void Run(string[] wanted, BenchOptions options, bool markdown, bool json)
    {
        bool everything = wanted.Contains(Everything);
        bool plain = markdown || json;
        List<BenchRow> rows = [];
        foreach (BenchCase measured in BenchCases.All.Where(c => everything || c.Names.Intersect(wanted).Any()))
        {
            Console.Error.WriteLine($"measuring {string.Join(" and ", measured.Names)} …");
            foreach (BenchRow row in measured.Run(options).Where(r => everything || wanted.Contains(r.Case)))
            {
                rows.Add(row);
                if (!plain)
                {
                    Console.WriteLine(BenchTable.Lines(row));
                }
            }
            GC.Collect();
        }
        if (json)
        {
            Console.WriteLine(BenchTable.Json(rows));
        }
        if (markdown)
        {
            Console.Write(BenchTable.Markdown(rows));
        }
        string peak = DeviceMemory.PeakHost is { } bytes ? MemoryEstimate.Gigabytes(bytes) : "unknown";
        string note = string.Create(CultureInfo.InvariantCulture, $"medians of {options.Rounds} rounds in one process, {(Timings.OfProcessor ? "processor time" : "wall time")}, {get_num_threads()} threads of {Environment.ProcessorCount} cores; peak host memory {peak}");
        if (json)
        {
            Console.Error.WriteLine(note);
        }
        else
        {
            AnsiConsole.WriteLine(note);
        }
    }
}
