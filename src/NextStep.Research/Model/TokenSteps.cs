using System.ComponentModel.DataAnnotations;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>In which order the image tokens of a picture are drawn.</summary>
public enum TokenOrder
{
    /// <summary>Row by row, each from left to right: the paper's.</summary>
    Raster,

    /// <summary>
    /// Sub-grid by sub-grid: of four tokens with the same place in each quarter of the picture, so that the tokens of one lie half a picture apart; the places in raster order
    /// (the regions of PAR, Wang et al. 2024, arXiv:2412.15119, two by two). The picture needs an even number of tokens on both sides.
    /// </summary>
    Subsampled,
}

/// <summary>How the tokens that one step draws depend on each other.</summary>
public enum WithinAStep
{
    /// <summary>The head draws them as one vector of k·d features: their true joint distribution given all before them.</summary>
    Joint,

    /// <summary>The head draws each by itself, given a condition of its own: independent of each other given all before them, which the truth need not be.</summary>
    Separate,
}

/// <summary>Which image tokens one step of the transformer draws (spec §10.5): the map between tokens in raster order, as pictures have them, and the transformer's positions, of k tokens each.</summary>
public sealed record TokenSteps
{
    private const int SubGrid = 4;

    /// <summary>Tokens k of a step.</summary>
    [Range(1, 64)]
    public int Tokens { get; init; } = 1;

    /// <summary>How these depend on each other.</summary>
    public WithinAStep Within { get; init; } = WithinAStep.Joint;

    /// <summary>Which come first.</summary>
    public TokenOrder Order { get; init; } = TokenOrder.Raster;

    /// <summary>Of a configuration.</summary>
    internal static TokenSteps Of(ModelConfig model) => new() { Tokens = model.TokensAStep, Within = model.WithinAStep, Order = model.Order };

    /// <summary>One token a step in raster order, as the paper and the released models have it.</summary>
    internal bool Plain => Tokens == 1 && Order == TokenOrder.Raster;

    /// <summary>Whether several tokens of a step are drawn each by itself.</summary>
    internal bool Apart => Tokens > 1 && Within == WithinAStep.Separate;

    /// <summary>Tokens that the head draws as one.</summary>
    internal int DrawnAsOne => Apart ? 1 : Tokens;

    /// <summary>Why pictures of so many tokens cannot be drawn so, with what to do; null = they can.</summary>
    public string? Problem(int rows, int columns) => Order switch
    {
        TokenOrder.Subsampled when rows % 2 != 0 || columns % 2 != 0 =>
            $"the order subsampled needs an even number of image tokens on both sides, not {rows}×{columns}; use the order raster, or pictures of another size",
        TokenOrder.Subsampled when SubGrid % Tokens != 0 => $"a sub-grid of {SubGrid} image tokens cannot be drawn {Tokens} at a time; use 1, 2 or 4",
        TokenOrder.Raster when columns % Tokens != 0 => $"a row of {columns} image tokens cannot be drawn {Tokens} at a time; use a divisor of {columns}",
        _ => null,
    };

    /// <summary>The place in raster order of each token in the order of drawing; those of step s are the places s·k to s·k + k − 1.</summary>
    /// <exception cref="ArgumentException">Pictures of this size cannot be drawn so.</exception>
    public IReadOnlyList<int> Places(int rows, int columns)
    {
        if (Problem(rows, columns) is { } problem)
        {
            throw new ArgumentException($"A picture of {rows}×{columns} image tokens: {problem}.");
        }
        if (Order == TokenOrder.Raster)
        {
            return [.. Enumerable.Range(0, rows * columns)];
        }
        (int high, int wide) = (rows / 2, columns / 2);
        return
        [
            .. from y in Enumerable.Range(0, high)
               from x in Enumerable.Range(0, wide)
               from quarter in Enumerable.Range(0, SubGrid)
               select ((y + (quarter / 2 * high)) * columns) + x + (quarter % 2 * wide),
        ];
    }

    /// <summary>Tokens in raster order, [n, rows·columns, d], to what the transformer's positions hold, [n, rows·columns/k, k·d].</summary>
    /// <exception cref="ArgumentException">Pictures of this size cannot be drawn so.</exception>
    public Tensor Group(Tensor tokens, int rows, int columns)
    {
        IReadOnlyList<int> places = Places(rows, columns);
        using DisposeScope scope = NewDisposeScope();
        Tensor ordered = Order == TokenOrder.Raster ? tokens.alias() : tokens.index_select(1, Index(places, tokens.device));
        return (Tokens == 1 ? ordered : ordered.reshape(tokens.size(0), places.Count / Tokens, Tokens * tokens.size(2))).MoveToOuterDisposeScope();
    }

    /// <summary>The inverse of <see cref="Group"/>.</summary>
    /// <exception cref="ArgumentException">Pictures of this size cannot be drawn so.</exception>
    public Tensor Ungroup(Tensor steps, int rows, int columns)
    {
        IReadOnlyList<int> places = Places(rows, columns);
        using DisposeScope scope = NewDisposeScope();
        Tensor ordered = Tokens == 1 ? steps.alias() : steps.reshape(steps.size(0), places.Count, steps.size(2) / Tokens);
        return (Order == TokenOrder.Raster ? ordered : ordered.index_select(1, Index(places, steps.device).argsort(0))).MoveToOuterDisposeScope();
    }

    /// <summary>What is done to single tokens [.., d], done to those of steps [.., k·d].</summary>
    internal Func<Tensor, Tensor>? EachToken(Func<Tensor, Tensor>? token) => token is null || Tokens == 1 ? token : steps =>
    {
        using DisposeScope scope = NewDisposeScope();
        return token(steps.reshape(-1, steps.size(-1) / Tokens)).reshape(steps.shape).MoveToOuterDisposeScope();
    };

    private static Tensor Index(IReadOnlyList<int> places, Device device) => tensor([.. places.Select(p => (long)p)]).to(device);
}
