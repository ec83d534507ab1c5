using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>One case of a fixture: its arguments, inputs, draws, and the outputs that ours are held against.</summary>
internal sealed class FixtureCase
{
    /// <summary>Rounding between two libraries: |d| ≤ 1e−4·max(1, max|x|).</summary>
    public const double Relative = 1e-4;

    // About twice the worst that the recordings of the reference show with groups of 32, 2.8 and 27 %, in units of the largest number of a tensor; drawn tokens and pictures are among them.
    private const double Int8 = 0.05, Int4 = 0.5;

    private readonly FixtureFile _file;
    private readonly string _prefix;
    private readonly HashSet<string> _checked = new(StringComparer.Ordinal);

    public FixtureCase(FixtureFile file, JsonObject json)
    {
        _file = file;
        Json = json;
        Name = json["name"]?.GetValue<string>() ?? "";
        // Files with a single case leave the prefix out.
        _prefix = file.Source.Entries.Keys.Any(n => n.StartsWith(Name + "/", StringComparison.Ordinal)) ? Name + "/" : "";
    }

    public string Name { get; }

    public JsonObject Json { get; }

    /// <summary>The call's arguments.</summary>
    public JsonObject Arguments => Json["args"] as JsonObject ?? [];

    public bool Has(string tensor) => _file.Source.Entries.ContainsKey(_prefix + tensor);

    public Tensor Read(string tensor) => _file.Source.Read(_prefix + tensor);

    /// <summary>Names behind <paramref name="start"/>, in this case.</summary>
    public IReadOnlyList<string> Names(string start) =>
        [.. _file.Source.Entries.Keys.Where(n => n.StartsWith(_prefix + start, StringComparison.Ordinal)).Select(n => n[_prefix.Length..]).Order(StringComparer.Ordinal)];

    /// <summary>An argument, or its default in the reference.</summary>
    public double Argument(string name, double fallback) => Arguments[name]?.GetValue<double>() ?? fallback;

    /// <inheritdoc cref="Argument(string, double)"/>
    public int Argument(string name, int fallback) => Arguments[name]?.GetValue<int>() ?? fallback;

    /// <inheritdoc cref="Argument(string, double)"/>
    public bool Argument(string name, bool fallback) => Arguments[name]?.GetValue<bool>() ?? fallback;

    /// <summary>The recorded draws in call order.</summary>
    public RecordedNoise Draws() => RecordedDraws.From(_file.Source, _prefix);

    /// <summary>Fails when the reference drew more than we did.</summary>
    public static void Exhausted(RecordedNoise noise)
    {
        if (noise.Remaining > 0)
        {
            throw new InvalidDataException($"{noise.Remaining} recorded draws were not used.");
        }
    }

    /// <summary>Tolerance over max(1, max|recorded|) of what a model computes: rounding, or the error of its quantized weights.</summary>
    public static double Tolerance(WeightScheme? scheme) => scheme?.Bits switch { null => Relative, 8 => Int8, _ => Int4 };

    /// <summary>Whether anything was held against a recording.</summary>
    public bool Compared => _file.Rows.Any(r => r.Case == Name);

    /// <summary>Holds <paramref name="actual"/> against a recorded tensor; without such a recording there is nothing to compare.</summary>
    /// <param name="tensor">Its name in the case.</param>
    /// <param name="actual">Ours.</param>
    /// <param name="relative">Tolerance over max(1, max|recorded|); null = <see cref="Tolerance"/>.</param>
    /// <param name="valid">Bool, broadcastable: where the recording means anything; null = everywhere.</param>
    public void Check(string tensor, Tensor actual, double? relative = null, Tensor? valid = null)
    {
        if (!Has(tensor))
        {
            return;
        }
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor expected = Read(tensor);
        if (Differs(tensor, expected, actual))
        {
            return;
        }
        Tensor difference = Difference(expected, actual, valid);
        Tensor size = expected.to_type(ScalarType.Float64).abs().nan_to_num(0, 0, 0);
        double tolerance = (relative ?? Tolerance(_file.Scheme)) * Math.Max(1, Largest(valid is null ? size : size.mul(valid)));
        double worst = Largest(difference);
        Add(tensor, worst, tolerance, worst <= tolerance, double.IsFinite(worst) ? "" : "not finite");
    }

    /// <summary>Holds 8-bit pixels against recorded ones: at most 1 off, on at most 0.5 % of them. Those of quantized weights are not compared: the picture before rounding says how far they are.</summary>
    public void CheckPixels(string tensor, Tensor actual)
    {
        if (!Has(tensor))
        {
            return;
        }
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor expected = Read(tensor);
        if (Differs(tensor, expected, actual))
        {
            return;
        }
        Tensor difference = Difference(expected, actual, null);
        if (_file.Scheme is not null)
        {
            _checked.Add(tensor);
            _file.Rows.Add(new ParityRow(_file.Name, Name, tensor, Largest(difference), null, ParityVerdict.Skip, "pixels of quantized weights differ; out.image says by how much"));
            return;
        }
        double worst = Largest(difference), share = difference.gt(Scalars.Of(0)).to_type(ScalarType.Float64).mean().item<double>();
        Add(tensor, worst, 1, worst <= 1 && share <= 0.005, System.FormattableString.Invariant($"{share:P2} of the pixels differ"));
    }

    /// <summary>Outputs and gradients that nothing was held against.</summary>
    public IEnumerable<string> Unchecked() => Names("out.").Concat(Names("grad.")).Except(_checked).ToArray();

    /// <summary>The recorded tensor does not belong to a comparison of values.</summary>
    public void Ignore(string tensor) => _checked.Add(tensor);

    private bool Differs(string tensor, Tensor expected, Tensor actual)
    {
        if (expected.shape.SequenceEqual(actual.shape))
        {
            return false;
        }
        Add(tensor, null, null, false, $"recorded [{string.Join(", ", expected.shape)}], ours is [{string.Join(", ", actual.shape)}]");
        return true;
    }

    private void Add(string tensor, double? worst, double? tolerance, bool passed, string note)
    {
        _checked.Add(tensor);
        _file.Rows.Add(new ParityRow(
            _file.Name, Name, tensor, worst is { } w && double.IsFinite(w) ? w : null, tolerance, passed ? ParityVerdict.Pass : ParityVerdict.Fail, note));
    }

    // Equal infinities and two NaNs differ by nothing.
    private static Tensor Difference(Tensor expected, Tensor actual, Tensor? valid)
    {
        Tensor left = expected.to_type(ScalarType.Float64), right = actual.detach().cpu().to_type(ScalarType.Float64);
        Tensor same = left.eq(right).logical_or(left.isnan().logical_and(right.isnan()));
        Tensor counted = valid is null ? same.logical_not() : same.logical_not().logical_and(valid);
        return where(counted, left.sub(right).abs(), zeros_like(left));
    }

    private static double Largest(Tensor x) => x.numel() == 0 ? 0 : x.max().item<double>();
}
