using Microsoft.Data.Analysis;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>
/// The numbers of a run as <see cref="DataFrame"/>, for code and notebooks. A number that a cell does not have is NaN, not null: Microsoft.Data.Analysis
/// 0.23.1 groups nulls as zeros and lets them pass <c>loss &lt; 0.5</c>, while NaN makes a mean NaN and passes nothing. (It sorts before
/// all numbers, and a median must not see it: <see cref="Complete"/> first.)
/// </summary>
public static class DataFrames
{
    /// <summary>A row a cell, failed and waiting ones too; the columns are those of <see cref="RunTable.Cells"/>.</summary>
    /// <exception cref="InvalidDataException">It is no run folder, or a file is damaged.</exception>
    public static DataFrame ToDataFrame(this RunFolder folder) => Of(RunTable.Cells(folder));

    /// <summary>A row a logged number; the columns are those of <see cref="RunTable.Curves"/>.</summary>
    /// <exception cref="InvalidDataException">It is no run folder.</exception>
    public static DataFrame CurvesToDataFrame(this RunFolder folder) => Of(RunTable.Curves(folder));

    /// <summary>The rows that have a value in each of <paramref name="columns"/>: neither null nor NaN.</summary>
    /// <param name="frame">For instance <c>run.ToDataFrame()</c>.</param>
    /// <param name="columns">At least one name.</param>
    /// <exception cref="ArgumentException">There is no such column, or none is named.</exception>
    /// <example><code>
    /// run.ToDataFrame().Complete("alignment").GroupBy("arm").Mean("alignment")
    /// </code></example>
    public static DataFrame Complete(this DataFrame frame, params string[] columns)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ArgumentNullException.ThrowIfNull(columns);
        if (columns.Length == 0)
        {
            throw new ArgumentException("Name the columns in which a row must have a value.", nameof(columns));
        }
        DataFrameColumn[] needed = [.. columns.Select(name => frame.Columns.FirstOrDefault(c => c.Name == name)
            ?? throw new ArgumentException($"there is no column '{name}'; columns: {string.Join(", ", frame.Columns.Select(c => c.Name))}", nameof(columns)))];
        return frame.Filter(new BooleanDataFrameColumn("complete", frame.Rows.Select((_, row) => needed.All(c => c[row] is not (null or double.NaN or float.NaN)))));
    }

    private static DataFrame Of(RunTable table) => new(table.Columns.Select(c => (DataFrameColumn)(c.Values switch
    {
        double?[] numbers => new DoubleDataFrameColumn(c.Name, numbers.Select(n => n ?? double.NaN)),
        long?[] whole => new Int64DataFrameColumn(c.Name, whole),
        _ => new StringDataFrameColumn(c.Name, (string?[])c.Values),
    })));
}
