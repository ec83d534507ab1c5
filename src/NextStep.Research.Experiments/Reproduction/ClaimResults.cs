using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace NextStep.Research.Experiments;

/// <summary><c>experiments/results/CLAIM.json</c>: the numbers that a claim's verdicts follow from, without weights.</summary>
internal sealed partial record ClaimResults
{
    /// <summary>The form of the file that this program writes and reads.</summary>
    public const int Current = 1;

    private static readonly JsonSerializerOptions Json = new(RunFolder.Json) { RespectNullableAnnotations = true };

    /// <summary>The form of the file.</summary>
    public required int Version { get; init; }

    /// <summary>The claim's name.</summary>
    public required string Claim { get; init; }

    /// <summary>What was asked: <see cref="ExperimentDigest"/>.</summary>
    public required string Experiment { get; init; }

    /// <summary>The command that makes these numbers.</summary>
    public required string Command { get; init; }

    /// <summary>When the last of them was measured, <c>yyyy-MM-dd</c> UTC; empty in files of earlier versions.</summary>
    public string Date { get; init; } = "";

    /// <summary>One an arm and seed.</summary>
    public required IReadOnlyList<ClaimCell> Cells { get; init; }

    /// <summary>Whether cells of different code were let decide, by <c>--mix-code</c>.</summary>
    public bool MixCode { get; init; }

    /// <summary>Cells that have no numbers, since they failed.</summary>
    public IReadOnlyList<ClaimFailure> Failures { get; init; } = [];

    /// <summary>What came of the claims, in the order of the experiment file.</summary>
    public required IReadOnlyList<ClaimVerdict> Verdicts { get; init; }

    /// <summary>Reads a file; null where there is none.</summary>
    /// <exception cref="InvalidDataException">It is damaged; the message names file, cell and field.</exception>
    public static ClaimResults? Read(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }
        try
        {
            return JsonSerializer.Deserialize<ClaimResults>(File.ReadAllText(file), Json) ?? throw new InvalidDataException($"{file} is damaged: it holds null");
        }
        catch (JsonException e)
        {
            string where = CellPath().Match(e.Path ?? "") is { Success: true } cell
                ? $"cell {int.Parse(cell.Groups[1].Value, CultureInfo.InvariantCulture) + 1}{(cell.Groups[2].Length > 0 ? $", field {cell.Groups[2].Value}" : "")}: " : "";
            throw new InvalidDataException($"{file} is damaged: {where}{e.Message}", e);
        }
    }

    /// <summary>Writes the file whole or not at all.</summary>
    public void Write(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        AtomicFile.WriteText(file, JsonSerializer.Serialize(this, Json) + "\n");
    }

    [GeneratedRegex(@"^\$\.cells\[(\d+)\]\.?(.*)$", RegexOptions.CultureInvariant)]
    private static partial Regex CellPath();
}

/// <summary>The numbers of one arm at one seed.</summary>
internal sealed record ClaimCell
{
    /// <summary>The arm's name.</summary>
    public required string Arm { get; init; }

    /// <summary>The seed.</summary>
    public required long Seed { get; init; }

    /// <summary>What <c>measure</c> and the tests name.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>What a number depends on besides, by metric.</summary>
    public IReadOnlyDictionary<string, string> Identities { get; init; } = new Dictionary<string, string>();

    /// <summary>Which pictures are right, of the metrics that the tests name.</summary>
    public IReadOnlyDictionary<string, PictureOutcomes> Outcomes { get; init; } = new Dictionary<string, PictureOutcomes>();

    /// <summary>Of the program, as its build noted it.</summary>
    public string Commit { get; init; } = "";

    /// <summary>Which code ran each stage.</summary>
    public required IReadOnlyDictionary<string, string> Code { get; init; }

    /// <summary>Which library multiplied matrices; empty where that was not noted.</summary>
    public string Products { get; init; } = "";

    /// <summary>CPU threads of each stage.</summary>
    public IReadOnlyDictionary<string, int> Threads { get; init; } = new Dictionary<string, int>();

    /// <summary>Of each stage; a shared one counts in the cell that ran it.</summary>
    public IReadOnlyDictionary<string, double> Seconds { get; init; } = new Dictionary<string, double>();

    /// <summary>Of everything else in the cell, as it was written: an edited number is found even where no test depends on it.</summary>
    public string Digest { get; init; } = "";

    /// <summary>The same with its digest.</summary>
    public ClaimCell Sealed() => this with { Digest = Fingerprint() };

    /// <summary>What the digest should be.</summary>
    public string Fingerprint() => StageKey.Hash(string.Join('\n',
    [
        FormattableString.Invariant($"{Arm}, seed {Seed}, commit {Commit}, products {Products}"),
        .. Lines(Metrics, v => v.ToString("R", CultureInfo.InvariantCulture)), .. Lines(Identities, v => v), .. Lines(Outcomes, v => $"{v.Tasks} {v.Right}"),
        .. Lines(Code, v => v), .. Lines(Threads, v => v.ToString(CultureInfo.InvariantCulture)), .. Lines(Seconds, v => v.ToString("R", CultureInfo.InvariantCulture)),
    ]));

    private static IEnumerable<string> Lines<T>(IReadOnlyDictionary<string, T> values, Func<T, string> text) => values.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => $"{v.Key}: {text(v.Value)}");

    /// <summary>For people.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string Label => FormattableString.Invariant($"'{Arm}, seed {Seed}'");
}

/// <summary>A cell without numbers.</summary>
/// <param name="Arm">The arm's name.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Stage">The kind of the stage that failed.</param>
/// <param name="Message">Why.</param>
internal sealed record ClaimFailure(string Arm, long Seed, string Stage, string Message);

/// <summary>What came of one test.</summary>
/// <param name="Say">The sentence.</param>
/// <param name="Test">The test.</param>
/// <param name="Verdict"><c>supported</c>, <c>contradicted</c> or <c>undecided</c>.</param>
/// <param name="P">After Holm's correction; null where there is no test.</param>
/// <param name="Differences">Mean of left − right over the seeds, a comparison each; null without numbers.</param>
internal sealed record ClaimVerdict(string Say, string Test, string Verdict, double? P, IReadOnlyList<double?> Differences)
{
    /// <summary>Of a judged claim.</summary>
    public static ClaimVerdict Of(PlannedClaim claim) => new(claim.Say, claim.Test, claim.Verdict, claim.AdjustedPValue, [.. claim.Findings.Select(f => f.Difference?.Mean)]);
}
