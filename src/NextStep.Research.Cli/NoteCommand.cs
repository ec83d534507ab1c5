using System.CommandLine;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep note</c>: words of a person about cells.</summary>
internal static class NoteCommand
{
    private const int ShortestKey = 4;

    public static Command Create()
    {
        Argument<string> directory = SharedOptions.RunFolder();
        Argument<string?> cell = new("CELL") { Description = "A cell's key or its beginning, or an arm: all of its cells; default: show all notes.", Arity = ArgumentArity.ZeroOrOne };
        Argument<string?> text = new("TEXT") { Description = "The note; replaces an older one. Empty: removes it.", Arity = ArgumentArity.ZeroOrOne };
        Option<string[]> tag = new("--tag") { Description = "Add a tag; repeatable." }, untag = new("--untag") { Description = "Take a tag away; repeatable." };
        tag.Validators.Add(r =>
        {
            if ((r.GetValueOrDefault<string[]>() ?? []).Any(t => t.Length is 0 or > 40 || t.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c == ',')))
            {
                r.AddError("--tag wants one word without commas, of at most 40 characters.");
            }
        });
        Command command = new("note", """
            Shows and writes notes and tags on cells. They stand in status, exports and the report, and change no result.

            Examples:
              nextstep note runs/noise-strength 3f2a "washed out from image 20 on" --tag look-again
              nextstep note runs/noise-strength noiseStrength=0.5 --tag best
              nextstep note runs/noise-strength
            """)
        {
            directory, cell, text, tag, untag,
        };
        command.SetAction(parse =>
        {
            RunFolder folder = new(parse.GetRequiredValue(directory));
            PlannedCell[] all = [.. folder.RequirePlan().AllCells];
            string? note = parse.GetValue(text);
            string[] add = parse.GetValue(tag) ?? [], take = parse.GetValue(untag) ?? [];
            PlannedCell[] chosen = parse.GetValue(cell) is { } wanted ? Choose(all, wanted) : all;
            bool write = note is not null || add.Length > 0 || take.Length > 0;
            foreach (PlannedCell one in chosen)
            {
                CellNote? before = CellNote.Read(folder, one), now = before;
                if (write)
                {
                    now = new CellNote(note ?? before?.Text ?? "", [.. (before?.Tags ?? []).Union(add).Except(take)]);
                    now.Write(folder, one);
                }
                if (now is not null)
                {
                    AnsiConsole.WriteLine($"{one.Key} ({one.Label}): {now}");
                }
            }
            return 0;
        });
        return command;
    }

    private static PlannedCell[] Choose(PlannedCell[] cells, string wanted)
    {
        PlannedCell[] found = [.. cells.Where(c => c.Arm == wanted || c.Key == wanted || (wanted.Length >= ShortestKey && c.Key.StartsWith(wanted, StringComparison.Ordinal)))];
        return found.Length > 0 ? found : throw new ConfigException(new ConfigError("CELL", 0, "", $"there is no cell or arm '{wanted}'{NearestName.Hint(wanted, [.. cells.Select(c => c.Arm).Distinct()])}"));
    }
}
