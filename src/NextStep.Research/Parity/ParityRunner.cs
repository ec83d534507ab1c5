using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Compares this kit with recordings of the reference. Everything is read from the files: kind, sizes, flags, cases, random draws.
/// Every recorded output and gradient has to be compared; one that is not is an error, and so is a file or a case with nothing to compare.
/// </summary>
internal static class ParityRunner
{
    /// <summary>Runs every case of every file.</summary>
    /// <param name="files">Safetensors fixtures. Weights that a fixture refers to are looked for in its folder.</param>
    /// <param name="progress">Called with each row.</param>
    /// <param name="scheme">The matrices of the models are quantized so, and tolerances are the scheme's (<see cref="FixtureCase.Tolerance"/>); null = as recorded.</param>
    public static ParityReport Run(IReadOnlyList<string> files, Action<ParityRow>? progress = null, WeightScheme? scheme = null)
    {
        ArgumentNullException.ThrowIfNull(files);
        List<ParityRow> rows = [];
        foreach (string path in files)
        {
            foreach (ParityRow row in RunFile(path, scheme))
            {
                rows.Add(row);
                progress?.Invoke(row);
            }
        }
        return new ParityReport(rows);
    }

    private static List<ParityRow> RunFile(string path, WeightScheme? scheme)
    {
        try
        {
            using FixtureFile file = FixtureFile.Open(path, scheme);
            if (file.Kind.StartsWith("fm_head_sample_new", StringComparison.Ordinal))
            {
                file.Rows.AddRange(file.Cases.Select(c => new ParityRow(
                    file.Name, c.Name, "out.x", null, null, ParityVerdict.Skip, "sample_new is unused in the reference and not implemented here")));
                return file.Rows;
            }
            using ParityKind kind = ParityKind.For(file);
            if (kind.Cases.Count == 0)
            {
                throw new InvalidDataException($"{path}: the metadata name no case.");
            }
            foreach (FixtureCase fixture in kind.Cases)
            {
                RunCase(kind, file, fixture);
            }
            return file.Rows;
        }
        catch (Exception e) // whatever stops a file is reported and fails the run
        {
            return [new ParityRow(Path.GetFileName(path), "", "", null, null, ParityVerdict.Error, e.Message)];
        }
    }

    private static void RunCase(ParityKind kind, FixtureFile file, FixtureCase fixture)
    {
        using DisposeScope scope = NewDisposeScope();
        if (file.Scheme is not null && fixture.Names("grad.").Count > 0)
        {
            file.Rows.Add(new ParityRow(file.Name, fixture.Name, "", null, null, ParityVerdict.Skip, "quantized weights have no gradients"));
            return;
        }
        try
        {
            kind.Run(fixture);
            file.Rows.AddRange(fixture.Unchecked().Select(name => new ParityRow(
                file.Name, fixture.Name, name, null, null, ParityVerdict.Error, "recorded, but nothing to compare it with")));
            if (!fixture.Compared)
            {
                throw new InvalidDataException($"{file.Path}: case '{fixture.Name}' holds nothing that could be compared.");
            }
        }
        catch (Exception e) // whatever stops a case is reported and fails the run
        {
            file.Rows.Add(new ParityRow(file.Name, fixture.Name, "", null, null, ParityVerdict.Error, e.Message));
        }
    }
}
