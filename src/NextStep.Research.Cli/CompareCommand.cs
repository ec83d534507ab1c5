using System.CommandLine;
using System.IO.Enumeration;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep compare</c>: arms against the baseline.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        Argument<string> directory = SharedOptions.RunFolder();
        Argument<string[]> arms = new("ARM") { Description = "Another run folder: the same cells there, paired. Or arms to show beside the baseline: names, patterns with * and ?, or cell keys; default: all.", Arity = ArgumentArity.ZeroOrMore };
        Option<string[]> metrics = new("--metric") { Description = "Metrics to show: a name or a pattern; repeatable; default: what the experiment measures." };
        Option<string?> baseline = new("--baseline") { Description = "Another arm to compare with." };
        Option<bool> all = SharedOptions.All(), mix = SharedOptions.MixCode(), json = SharedOptions.Json();
        Command command = new("compare", """
            Shows what the arms change and, for every metric, the mean over the seeds and the difference and ratio to the baseline,
            paired by seed, with 95 % intervals and p-values corrected for the arms and metrics that measure names (Holm); other
            metrics are exploratory (Benjamini–Hochberg). Pictures that two models drew from one prompt are compared one by one
            (McNemar). Judges the claims.

            Examples:
              nextstep compare runs/quickstart
              nextstep compare runs/noise-strength "noiseStrength=*" --metric "alignment*" --json
              nextstep compare runs/before runs/after
            """)
        {
            directory, arms, metrics, baseline, mix, all, json,
        };
        command.SetAction(parse =>
        {
            RunFolder folder = new(parse.GetRequiredValue(directory));
            if (parse.GetValue(arms) is [var second] && File.Exists(Path.Combine(second, "plan.json")))
            {
                TwoRunsView both = new(folder, new RunFolder(second), parse.GetValue(metrics) ?? []);
                if (parse.GetValue(json))
                {
                    Console.Out.WriteLine(both.Json());
                }
                else
                {
                    both.Write(parse.GetValue(all));
                }
                return 0;
            }
            Plan plan = folder.RequirePlan();
            if (parse.GetValue(baseline) is { } name)
            {
                PlannedArm chosen = plan.Arms.FirstOrDefault(a => a.Name == name)
                    ?? throw new ConfigException(new ConfigError("--baseline", 0, "", $"there is no arm '{name}'{NearestName.Hint(name, [.. plan.Arms.Select(a => a.Name)])}"));
                plan = plan with { Arms = [chosen, .. plan.Arms.Where(a => a != chosen)] };
            }
            IReadOnlyList<CellResult> results = folder.ReadResults(plan);
            string[]? measure = parse.GetValue(metrics) is { Length: > 0 } given ? given : null;
            Check(measure ?? [], results);
            ComparisonView view = new(folder, plan, results, Shown(plan, parse.GetValue(arms) ?? []), measure, parse.GetValue(mix));
            if (parse.GetValue(json))
            {
                Console.Out.WriteLine(view.Json());
            }
            else
            {
                view.Write(parse.GetValue(all));
            }
            return 0;
        });
        return command;
    }

    // Before any result nothing is known about names.
    private static void Check(string[] patterns, IReadOnlyList<CellResult> results)
    {
        string[] known = [.. results.SelectMany(r => r.Metrics.Keys).Distinct()], ends = [.. IntervalEnds.Of(known)];
        foreach (string pattern in results.Count == 0 ? [] : patterns)
        {
            if (ends.Contains(pattern))
            {
                throw new ConfigException(new ConfigError("--metric", 0, "", $"{pattern} is an end of the interval of {pattern[..pattern.LastIndexOf('.')]}, which shows it"));
            }
            if (!known.Any(k => FileSystemName.MatchesSimpleExpression(pattern, k, ignoreCase: false)))
            {
                throw new ConfigException(new ConfigError("--metric", 0, "", $"there is no metric '{pattern}'{NearestName.Hint(pattern, known)}"));
            }
        }
    }

    private static IReadOnlyList<PlannedArm> Shown(Plan plan, string[] patterns)
    {
        HashSet<string> chosen = [];
        foreach (string pattern in patterns)
        {
            string[] fitting = [.. plan.Arms.Where(a => a.Name == pattern || FileSystemName.MatchesSimpleExpression(pattern, a.Name, ignoreCase: false)).Select(a => a.Name),
                .. plan.Cells.Where(c => c.Key == pattern).Select(c => c.Arm)];
            chosen.UnionWith(fitting.Length > 0 ? fitting
                : throw new ConfigException(new ConfigError("compare", 0, "", $"there is no arm or cell '{pattern}'{NearestName.Hint(pattern, [.. plan.Arms.Select(a => a.Name)])}")));
        }
        return [.. plan.Arms.Where((a, i) => i == 0 || chosen.Count == 0 || chosen.Contains(a.Name))];
    }
}
