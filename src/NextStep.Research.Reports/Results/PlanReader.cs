using System.Text.Json;

namespace NextStep.Research.Reports;

internal static class PlanReader
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private sealed record PlanFile(string Name, string? Question, ReportArm[] Arms, PlanCell[] Cells, JudgedClaim[]? Claims, string[]? Measure, Dictionary<string, string>? Provenance, string[]? Commands);

    private sealed record PlanCell(string Key, string Arm, long Seed);

    public static RunResults Read(string runFolder)
    {
        string path = Path.Combine(runFolder, "plan.json");
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"'{runFolder}' has no plan.json, so it is no run folder.", path);
        }

        try
        {
            PlanFile plan = JsonSerializer.Deserialize<PlanFile>(File.ReadAllText(path), Json)!;
            return new RunResults
            {
                Name = plan.Name,
                Question = plan.Question ?? "",
                Arms = plan.Arms,
                Cells = [.. plan.Cells.Select(c => new CellRun(c.Key, c.Arm, c.Seed, CellState.Unfinished))],
                Claims = plan.Claims ?? [],
                Measure = plan.Measure ?? [],
                Provenance = [.. plan.Provenance ?? []],
                Commands = plan.Commands ?? [],
                Notes = [],
            };
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path} is damaged: {error.Message}", error);
        }
    }
}
