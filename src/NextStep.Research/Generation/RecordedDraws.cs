using System.Globalization;
using TorchSharp;

namespace NextStep.Research;

/// <summary>Recorded draws in a safetensors file: <c>draws.run0[k]</c> is the k-th draw, then <c>draws.run1[0]</c>, … (fixtures README).</summary>
internal static class RecordedDraws
{
    /// <summary>Opens the draws of a file.</summary>
    /// <param name="file">The safetensors file.</param>
    /// <param name="prefix">Of the tensor names, for files with several cases.</param>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static RecordedNoise Open(string file, string prefix = "")
    {
        using SafetensorsFile saved = SafetensorsFile.Open(file);
        return From(saved, prefix);
    }

    /// <summary>Writes draws in call order, consecutive ones of one shape stacked in one tensor, as <see cref="Open"/> reads them.</summary>
    public static void Save(string file, IReadOnlyList<torch.Tensor> draws)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        Dictionary<string, torch.Tensor> runs = [];
        for (int start = 0; start < draws.Count;)
        {
            torch.Tensor[] run = [.. draws.Skip(start).TakeWhile(d => d.shape.SequenceEqual(draws[start].shape))];
            runs.Add(string.Create(CultureInfo.InvariantCulture, $"draws.run{runs.Count}"), torch.stack(run));
            start += run.Length;
        }
        SafetensorsFile.Write(file, runs);
    }

    /// <summary>As above, from an open file.</summary>
    /// <exception cref="InvalidDataException">A draw is no number.</exception>
    public static RecordedNoise From(SafetensorsFile file, string prefix = "")
    {
        string start = prefix + "draws.run";
        IEnumerable<string> runs = file.Entries.Keys
            .Where(n => n.StartsWith(start, StringComparison.Ordinal) && int.TryParse(n[start.Length..], CultureInfo.InvariantCulture, out _))
            .OrderBy(n => int.Parse(n[start.Length..], CultureInfo.InvariantCulture));
        using DisposeScope scope = torch.NewDisposeScope();
        List<torch.Tensor> draws = [];
        foreach (string run in runs)
        {
            torch.Tensor stacked = file.Read(run);
            if (!stacked.isfinite().all().item<bool>())
            {
                throw new InvalidDataException($"{file.Path}: the recorded noise '{run}' holds values that are NaN or infinite; the file is damaged, record it again.");
            }
            for (long k = 0; k < stacked.size(0); k++)
            {
                draws.Add(stacked[k].clone());
            }
        }
        return new RecordedNoise(draws);
    }
}
