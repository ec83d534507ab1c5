using Microsoft.Data.Analysis;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>The numbers of a run as <see cref="DataFrame"/>, for code and notebooks.</summary>
public static class DataFrames
{
    /// <summary>A row a cell; the columns are those of <see cref="RunTable.Cells"/>.</summary>
    /// <exception cref="InvalidDataException">It is no run folder, or a file is damaged.</exception>
    public static DataFrame ToDataFrame(this RunFolder folder) => Of(RunTable.Cells(folder));

    /// <summary>A row a logged number; the columns are those of <see cref="RunTable.Curves"/>.</summary>
    /// <exception cref="InvalidDataException">It is no run folder.</exception>
    public static DataFrame CurvesToDataFrame(this RunFolder folder) => Of(RunTable.Curves(folder));

    private static DataFrame Of(RunTable table) => new(table.Columns.Select(c => (DataFrameColumn)(c.Values switch
    {
        double?[] numbers => new DoubleDataFrameColumn(c.Name, numbers),
        long?[] whole => new Int64DataFrameColumn(c.Name, whole),
        _ => new StringDataFrameColumn(c.Name, (string?[])c.Values),
    })));
}
