using System.Text.RegularExpressions;

namespace NextStep.Research;

/// <summary>The weights of a folder.</summary>
/// <param name="Main">An index, a safetensors file or a torch file.</param>
/// <param name="Average">The running average of the same weights in a file of its own, where there is one.</param>
/// <param name="Notes">What was left aside and why, a sentence each.</param>
internal sealed partial record WeightFiles(string Main, string? Average, IReadOnlyList<string> Notes)
{
    private static readonly string[] TorchEndings = [".pt", ".pth", ".bin", ".ckpt"];
    private static readonly string[] Preferred = ["model.safetensors", "diffusion_pytorch_model.safetensors"];

    /// <summary>The files of a folder that are not hidden: macOS and editors leave <c>._model.safetensors</c> and the like behind.</summary>
    public static string[] Visible(string folder, string pattern) =>
        [.. Directory.GetFiles(folder, pattern).Where(file => !Path.GetFileName(file).StartsWith('.')).Order(StringComparer.Ordinal)];

    /// <summary>The torch files of a folder.</summary>
    public static string[] Torch(string folder) => [.. Visible(folder, "*").Where(file => TorchEndings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))];

    /// <summary>The weights in <paramref name="folder"/>; the error lists what was looked for.</summary>
    /// <exception cref="FileNotFoundException">None, or several and none that is the one.</exception>
    public static WeightFiles Find(string folder)
    {
        var notes = new List<string>();
        var indexes = Visible(folder, "*.safetensors.index.json");
        var files = Visible(folder, "*.safetensors");
        if (indexes.Length == 1)
        {
            var whole = Path.Combine(folder, Preferred[0]);
            var shards = ShardedCheckpoint.ReadIndex(indexes[0]).Values.Distinct(StringComparer.Ordinal).ToArray();
            if (!File.Exists(whole) || Array.TrueForAll(shards, shard => File.Exists(Path.Combine(folder, shard))))
            {
                return new WeightFiles(indexes[0], Averaged(files.Where(file => !shards.Contains(Path.GetFileName(file))), indexes[0]), notes);
            }
            notes.Add($"{indexes[0]} names shards that are not there; {whole} was taken.");
            return new WeightFiles(whole, Averaged(files, whole), notes);
        }
        var torch = Torch(folder);
        var main = Choose(files, notes) ?? (files.Length == 0 ? ChooseTorch(folder, torch) : null);
        return main is not null
            ? new WeightFiles(main, Averaged(files.Concat(torch), main), notes)
            : throw new FileNotFoundException(files.Length + indexes.Length + torch.Length > 1
                ? $"{folder}: several files of weights and none that is the one ({string.Join(", ", indexes.Concat(files).Concat(torch).Select(Path.GetFileName).Take(8))}); keep one of them, or call it {Preferred[0]}."
                : $"{folder}: no weights here (*.safetensors.index.json, model.safetensors, another *.safetensors, checkpoint.pt or another torch file).", folder);
    }

    // Variants of one file stand beside it: other precisions (x.fp16.safetensors), its average (x.ema…, ema…) or what is not its average (x.non_ema…).
    private static string? Choose(string[] files, List<string> notes)
    {
        if (files.FirstOrDefault(file => NotAverage().IsMatch(Path.GetFileName(file))) is { } raw)
        {
            return raw; // the file without the mark is the average
        }
        var plain = files.Where(file => !AverageName().IsMatch(Path.GetFileName(file))).ToArray();
        plain = plain.Length == 0 ? files : plain;
        var whole = plain.Where(file => !OtherPrecision().IsMatch(Path.GetFileName(file))).ToArray();
        whole = whole.Length == 0 ? plain : whole;
        var chosen = Preferred.Select(name => Array.Find(whole, file => Path.GetFileName(file) == name)).FirstOrDefault(file => file is not null) ?? (whole.Length == 1 ? whole[0] : null);
        if (chosen is not null && plain.Where(file => OtherPrecision().IsMatch(Path.GetFileName(file)) && file != chosen).ToArray() is { Length: > 0 } others)
        {
            notes.Add($"{chosen} was taken, not its other precision ({string.Join(", ", others.Select(Path.GetFileName))}).");
        }
        return chosen;
    }

    private static string? ChooseTorch(string folder, string[] torch)
    {
        var plain = torch.Where(file => !AverageName().IsMatch(Path.GetFileName(file))).ToArray();
        return Array.Find(plain, file => file == Path.Combine(folder, "checkpoint.pt")) ?? (plain.Length == 1 ? plain[0] : plain.Length == 0 && torch.Length == 1 ? torch[0] : null);
    }

    private static string? Averaged(IEnumerable<string> files, string main)
    {
        var others = files.Where(file => file != main).ToArray();
        var unmarked = NotAverage().Replace(Path.GetFileName(main), "");
        return Array.Find(others, file => AverageName().IsMatch(Path.GetFileName(file)) && !NotAverage().IsMatch(Path.GetFileName(file)))
            ?? (unmarked == Path.GetFileName(main) ? null : Array.Find(others, file => Path.GetFileName(file) == unmarked));
    }

    [GeneratedRegex(@"(^|[._-])ema([._-]|$)", RegexOptions.IgnoreCase)]
    private static partial Regex AverageName();

    [GeneratedRegex(@"[._-]non[_-]?ema(?=[._-])", RegexOptions.IgnoreCase)]
    private static partial Regex NotAverage();

    [GeneratedRegex(@"[.](fp16|bf16|fp32|fp8|fp4|int8|int4|half)(?=[.-])", RegexOptions.IgnoreCase)]
    private static partial Regex OtherPrecision();
}
