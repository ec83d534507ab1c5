using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace NextStep.Research.Reports;

/// <summary>Tables as CSV (RFC 4180) and as JSON lines, UTF-8.</summary>
internal static class TextTables
{
    public static void WriteCsv(Stream stream, RunTable table)
    {
        using StreamWriter writer = new(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\r\n" };
        writer.WriteLine(string.Join(',', table.Columns.Select(c => Field(c.Name))));
        for (int row = 0; row < table.Rows; row++)
        {
            writer.WriteLine(string.Join(',', table.Row(row).Select(Field)));
        }
    }

    public static void WriteJsonLines(Stream stream, RunTable table)
    {
        for (int row = 0; row < table.Rows; row++)
        {
            using (Utf8JsonWriter writer = new(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            {
                writer.WriteStartObject();
                foreach ((RunColumn column, object? value) in table.Columns.Zip(table.Row(row)).Where(c => c.Second is not null))
                {
                    writer.WritePropertyName(column.Name);
                    // JSON has no NaN and no infinity: as a text, like in the run folder.
                    JsonSerializer.Serialize(writer, value, Experiments.RunFolder.Json);
                }
                writer.WriteEndObject();
            }
            stream.WriteByte((byte)'\n');
        }
    }

    private static string Field(object? value)
    {
        string text = value switch
        {
            null => "",
            double number => number.ToString("R", CultureInfo.InvariantCulture),
            IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString()!,
        };
        return text.AsSpan().IndexOfAny("\",\r\n") >= 0 ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }
}
