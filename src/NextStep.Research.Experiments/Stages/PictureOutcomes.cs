namespace NextStep.Research.Experiments;

/// <summary>Which pictures of a cell are right, one by one; <c>outcomes.json</c> of the metrics stage and part of <c>result.json</c>.</summary>
/// <param name="Tasks">Hash of what was to be drawn, in order: only cells with equal tasks can be paired.</param>
/// <param name="Right">A character a picture: 1 right, 0 wrong.</param>
public sealed record PictureOutcomes(string Tasks, string Right)
{
    /// <summary>The file of a stage.</summary>
    public const string FileName = "outcomes.json";

    internal const char Yes = '1';

    /// <summary>From what was asked and whether it came out, in the same order.</summary>
    public static PictureOutcomes Of(IEnumerable<string> tasks, IEnumerable<bool> right) => new(
        Convert.ToHexStringLower(System.IO.Hashing.XxHash128.Hash(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', tasks)))),
        string.Concat(right.Select(r => r ? Yes : '0')));
}
