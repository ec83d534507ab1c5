using System.CommandLine;
using NextStep.Research.Experiments;
using NextStep.Research.Reports;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep reproduce</c>: the claims of the paper, run, or judged again from the numbers that are kept.</summary>
internal static class ReproduceCommand
{
    private const string Beyond = "beyond";

    public static Command Create()
    {
        Argument<string[]> claims = new("CLAIM") { Description = "Names of files in experiments/claims, with --beyond in experiments/beyond, without .yaml; default: all.", Arity = ArgumentArity.ZeroOrMore };
        Option<bool> check = new("--check") { Description = "Train nothing: recompute every verdict from experiments/results and fail where a file is damaged or edited." };
        Option<bool> smoke = new("--smoke") { Description = "Run the small form of each claim, minutes in all, to see that everything works; experiments/results stays as it is." };
        Option<bool> beyond = new("--beyond") { Description = "What the paper leaves open instead of what it claims: the files of experiments/beyond, with their numbers in experiments/beyond/results." };
        Option<bool> markdown = new("--markdown") { Description = "Print the summary as a table in Markdown." };
        Option<string> experiments = new("--experiments") { Description = "The folder with claims, results and pictures.", DefaultValueFactory = _ => "experiments" };
        Option<string?> runs = new("--runs") { Description = "Where the run folders go; default: runs/claims or runs/beyond, with --smoke runs/claims-smoke or runs/beyond-smoke." };
        Option<string?> output = new("--output", "-o") { Description = "The page; default: findings.html beside the run folders." };
        Option<bool> mix = SharedOptions.MixCode(), accept = SharedOptions.AcceptChangedPlan(), retry = new("--retry-failed") { Description = "Run cells again that failed earlier." };
        Option<int?> jobs = SharedOptions.Jobs();
        (Option<double?> hours, Option<string?> until) = SharedOptions.Budget();
        Command command = new("reproduce", """
            Tests what the paper claims: runs each experiment of experiments/claims (the same command goes on where it was stopped), keeps its
            numbers in experiments/results/CLAIM.json, and writes one page with all verdicts, NextStep-1's findings at small scale.

            Examples:
              nextstep reproduce --check
              nextstep reproduce --check --markdown
              nextstep reproduce exposure-bias solvers-and-steps --until 07:00
              nextstep reproduce --smoke
              nextstep reproduce --beyond --check
            """)
        {
            claims, check, smoke, beyond, markdown, experiments, runs, output, retry, accept, mix, jobs, hours, until,
        };
        command.Validators.Add(r =>
        {
            if (r.GetValue(check) && (r.GetValue(smoke) || r.GetValue(retry) || r.GetValue(accept) || r.GetValue(mix) || r.GetValue(jobs) is not null || r.GetValue(hours) is not null || r.GetValue(until) is not null))
            {
                r.AddError("--check runs nothing; leave --smoke, --retry-failed, --accept-changed-plan, --mix-code, --jobs, --max-hours and --until out.");
            }
        });
        command.SetAction(parse =>
        {
            string collection = parse.GetValue(beyond) ? Beyond : ClaimFolder.Paper;
            ClaimFolder folder = new(parse.GetValue(experiments)!, collection);
            IReadOnlyList<ClaimFile> chosen = folder.Choose(parse.GetValue(claims) ?? []);
            string place = parse.GetValue(runs) ?? Path.Combine("runs", parse.GetValue(smoke) ? $"{collection}-smoke" : collection);
            bool whole = true;
            if (!parse.GetValue(check))
            {
                using SweepBudget? budget = SharedOptions.Budget(parse.GetValue(hours), parse.GetValue(until));
                ReproduceRun run = new(place, parse.GetValue(smoke), parse.GetValue(jobs), parse.GetValue(retry), parse.GetValue(accept), parse.GetValue(mix), budget);
                whole = run.All(chosen, parse.GetValue(claims) is { Length: > 0 });
            }
            IReadOnlyList<ReproducedClaim> found = [.. (parse.GetValue(claims) is { Length: > 0 } ? chosen : folder.All())
                .Select(c => parse.GetValue(smoke) ? ReproducedClaim.FromRun(c, ExperimentFile.LoadSmoke(c.Path), new RunFolder(Path.Combine(place, c.Name))) : ReproducedClaim.FromResults(c))];
            string page = parse.GetValue(output) ?? Path.Combine(place, "findings.html");
            FindingsPage.Write(found, page, parse.GetValue(smoke), parse.GetValue(beyond));
            string[] faults = [.. found.SelectMany(c => c.Faults), .. parse.GetValue(smoke) ? [] : folder.Strays()];
            Show(found, faults, parse.GetValue(markdown), page);
            return whole && faults.Length == 0 ? 0 : 1;
        });
        return command;
    }

    private static void Show(IReadOnlyList<ReproducedClaim> claims, string[] faults, bool markdown, string page)
    {
        IReadOnlyList<FindingRow> rows = FindingRow.Of(claims);
        if (markdown)
        {
            Console.Out.WriteLine(FindingRow.Markdown(claims));
        }
        else
        {
            Table table = new Table().AddColumns("claim", "test", "verdict", "left − right", "p", "seeds");
            foreach (FindingRow row in rows)
            {
                table.AddRow([.. new[] { row.Claim, row.Say, row.Verdict, row.Effect, row.P, row.Seeds }.Select(t => new Text(t))]);
            }
            AnsiConsole.Write(table);
        }
        foreach (ReproducedClaim claim in claims.Where(c => c.OtherCode.Length > 0))
        {
            Console.Error.WriteLine($"note: the results of {claim.File.Name} were {claim.OtherCode}");
        }
        foreach (string fault in faults)
        {
            Console.Error.WriteLine($"error: {fault}");
        }
        Console.Error.WriteLine($"page: {page}");
    }
}
