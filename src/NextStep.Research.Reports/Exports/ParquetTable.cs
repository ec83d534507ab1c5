using Parquet;
using Parquet.Schema;

namespace NextStep.Research.Reports;

/// <summary>Tables as Apache Parquet.</summary>
internal static class ParquetTable
{
    public static void Write(Stream stream, RunTable table) => WriteAsync(stream, table).GetAwaiter().GetResult();

    private static async Task WriteAsync(Stream stream, RunTable table)
    {
        DataField[] fields = [.. table.Columns.Select(c => c.Values switch
        {
            double?[] => (DataField)new DataField<double?>(c.Name),
            long?[] => new DataField<long?>(c.Name),
            _ => new DataField<string>(c.Name),
        })];
        ParquetSchema schema = new(fields);
        ParquetWriter writer = await ParquetWriter.CreateAsync(schema, stream).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            using ParquetRowGroupWriter group = writer.CreateRowGroup();
            foreach ((DataField field, RunColumn column) in schema.DataFields.Zip(table.Columns))
            {
                await (column.Values switch
                {
                    double?[] numbers => group.WriteAsync<double>(field, numbers.AsMemory()),
                    long?[] whole => group.WriteAsync<long>(field, whole.AsMemory()),
                    _ => group.WriteAsync(field, (string[])column.Values),
                }).ConfigureAwait(false);
            }
        }
    }
}
