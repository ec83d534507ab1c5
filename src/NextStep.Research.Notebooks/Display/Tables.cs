using Microsoft.Data.Analysis;
using NextStep.Research.Experiments;
using TorchSharp;

namespace NextStep.Research.Notebooks;

/// <summary>Configurations, modules and data frames as tables.</summary>
public static class Tables
{
    /// <summary>The whole configuration, one row for each key, with the default where it differs.</summary>
    public static DataTable AsTable(this ResearchConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        IReadOnlyDictionary<string, string> defaults = Values(new ResearchConfig());
        return new DataTable(
            ["key", "value", "default, where it differs"],
            [.. Values(config).Select(v => new object?[] { v.Key, v.Value, defaults.GetValueOrDefault(v.Key) == v.Value ? "" : defaults.GetValueOrDefault(v.Key, Plan.NoOption) })])
        { MostRows = 200 };
    }

    /// <summary>Only the keys in which <paramref name="config"/> differs from <paramref name="baseline"/>.</summary>
    public static DataTable DifferenceFrom(this ResearchConfig config, ResearchConfig baseline)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(baseline);
        IReadOnlyDictionary<string, string> before = Values(baseline);
        return new DataTable(["key", "baseline", "here"], [.. Values(config).Where(v => before.GetValueOrDefault(v.Key) != v.Value).Select(v => new object?[] { v.Key, before.GetValueOrDefault(v.Key, Plan.NoOption), v.Value })]);
    }

    /// <summary>Parts of a module down to <paramref name="depth"/>, with their numbers of parameters and their share.</summary>
    public static DataTable Summary(this torch.nn.Module module, int depth = 1)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentOutOfRangeException.ThrowIfNegative(depth);
        List<(string Name, long Count)> parameters = [.. module.named_parameters().Select(p => (p.name, p.parameter.numel()))];
        long total = parameters.Sum(p => p.Count);
        Dictionary<string, string> types = module.named_modules().ToDictionary(m => m.name, m => TypeName(m.module));
        List<object?[]> rows =
        [
            .. parameters.GroupBy(p => string.Join('.', p.Name.Split('.').SkipLast(1).Take(depth)))
                .Select(g => new object?[] { g.Key.Length > 0 ? g.Key : "(itself)", types.GetValueOrDefault(g.Key, TypeName(module)), g.Sum(p => p.Count), Share(g.Sum(p => p.Count)) }),
            new object?[] { "all", TypeName(module), total, Share(total) },
        ];
        return new DataTable(["part", "type", "parameters", "share"], rows);

        static string TypeName(torch.nn.Module part) => part.GetType().Name.Split('`')[0];
        string Share(long count) => total == 0 ? "" : (count / (double)total).ToString("P1", System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>A data frame's first rows.</summary>
    /// <param name="frame">For instance <c>run.ToDataFrame()</c>.</param>
    /// <param name="columns">Names of the columns to show, in this order; null: all.</param>
    /// <param name="rows">Longer tables are cut.</param>
    /// <exception cref="ArgumentException">There is no such column; the message names those there are.</exception>
    public static DataTable AsTable(this DataFrame frame, IReadOnlyList<string>? columns = null, int rows = 60)
    {
        ArgumentNullException.ThrowIfNull(frame);
        string[] all = [.. frame.Columns.Select(c => c.Name)];
        int[] shown = [.. (columns ?? all).Select(c => Array.IndexOf(all, c) is >= 0 and var i ? i : throw new ArgumentException($"there is no column '{c}'; columns: {string.Join(", ", all)}", nameof(columns)))];
        return new DataTable([.. shown.Select(i => all[i])], [.. frame.Rows.Select(r => (IReadOnlyList<object?>)[.. shown.Select(i => r[i])])]) { MostRows = rows };
    }

    private static IReadOnlyDictionary<string, string> Values(ResearchConfig config) => ConfigPath.Texts(config);
}
