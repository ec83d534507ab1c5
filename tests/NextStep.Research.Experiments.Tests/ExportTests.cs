using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.Data.Analysis;
using NextStep.Research.Reports;
using Parquet;
using Parquet.Schema;
using Tensorboard;

namespace NextStep.Research.Experiments.Tests;

/// <summary>Exports, read back by readers that know nothing of the writers.</summary>
public sealed class ExportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RunFolder _run;
    private readonly Plan _plan;

    public ExportTests()
    {
        _run = new RunFolder(_folder.File("run"));
        _plan = GeneratedRun.Write(_run, ExperimentFile.Load(_folder.Write("grid.yaml", GeneratedRun.Grid)), c => c.Seed < 2);
    }

    public void Dispose() => _folder.Dispose();

    private IReadOnlyList<string> Export(string format) => RunExport.Write(_run, format, _folder.File("out"));

    [Fact]
    public void Csv_quotes_names_with_commas_and_leaves_missing_numbers_empty()
    {
        string[] lines = File.ReadAllText(Export("csv")[0]).TrimEnd().Split("\r\n");
        Assert.Equal(1 + 12, lines.Length);
        string[] header = lines[0].Split(',');
        Assert.Equal(["cell", "arm", "seed", "state", "config.autoencoder.width", "config.autoencoder.noiseStrength", "alignment"], header[..7]);
        Assert.Contains("\"width=16,noiseStrength=0.5\"", lines[4], StringComparison.Ordinal);
        Assert.StartsWith($"{_plan.Cells[^1].Key},\"width=16,noiseStrength=0.5\",2,waiting,16,0.5,,", lines[^1], StringComparison.Ordinal);
        Assert.Equal(GeneratedRun.Numbers(new ResearchConfig { Autoencoder = new() { Width = 8, NoiseStrength = 0 } }, 0)["alignment"],
            double.Parse(lines[1].Split(',')[6], System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Json_lines_leave_out_what_is_missing()
    {
        IReadOnlyList<string> files = Export("jsonl");
        JsonElement[] cells = [.. File.ReadLines(files[0]).Select(l => JsonDocument.Parse(l).RootElement)], curves = [.. File.ReadLines(files[1]).Select(l => JsonDocument.Parse(l).RootElement)];
        Assert.Equal((12, "waiting", false), (cells.Length, cells[^1].GetProperty("state").GetString(), cells[^1].TryGetProperty("alignment", out _)));
        Assert.Equal("extractor 12ab, 100 samples", cells[0].GetProperty("identity.frechet").GetString());
        Assert.Equal(8 * 2 * 40, curves.Length);
    }

    [Fact]
    public async Task Parquet_keeps_types_and_nulls()
    {
        await using ParquetReader reader = await ParquetReader.CreateAsync(Export("parquet")[0], cancellationToken: TestContext.Current.CancellationToken);
        using ParquetRowGroupReader group = reader.OpenRowGroupReader(0);
        Assert.Equal(12, group.RowCount);
        DataField Field(string name) => reader.Schema.DataFields.Single(f => f.Name == name);
        double?[] alignment = new double?[12];
        await group.ReadAsync<double>(Field("alignment"), alignment.AsMemory(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(RunTable.Cells(_run).Columns.Single(c => c.Name == "alignment").Values, alignment);
        Assert.Null(alignment[^1]);
        string?[] arms = new string?[12];
        await group.ReadAsync(Field("arm"), arms.AsMemory(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(_plan.Cells.Select(c => c.Arm), arms);
        long?[] seeds = new long?[12];
        await group.ReadAsync<long>(Field("seed"), seeds.AsMemory(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(_plan.Cells.Select(c => (long?)c.Seed), seeds);
    }

    [Fact]
    public void A_data_frame_can_be_asked()
    {
        DataFrame cells = _run.ToDataFrame();
        Assert.Equal((12L, 4L), (cells.Rows.Count, cells["alignment"].NullCount));
        DataFrame means = cells.GroupBy("arm").Mean("alignment");
        Assert.Equal(4, means.Rows.Count);
        DataFrame curves = _run.CurvesToDataFrame();
        Assert.Equal(8 * 2 * 40, curves.Rows.Count);
    }

    [Fact]
    public void TensorBoard_events_are_read_by_its_own_messages_with_sound_checksums()
    {
        // RFC 3720, B.4: CRC-32C of 32 zero bytes.
        Assert.Equal(0x8a9136aau, Crc32C(new byte[32]));
        IReadOnlyList<string> files = Export("tensorboard");
        Assert.Equal(8, files.Count);
        string file = files.Single(f => f.Contains(Path.Combine("width=16", "seed1"), StringComparison.Ordinal));
        Event[] events = [.. Events(File.ReadAllBytes(file))];
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        (string Tag, long Step, float Value)[] scalars = [.. events.Where(e => e.Summary is not null).SelectMany(e => e.Summary.Value.Where(v => v.Metadata is null).Select(v => (v.Tag, e.Step, v.SimpleValue)))];
        Assert.Equal(40, scalars.Count(s => s.Tag == "model/loss"));
        Assert.Equal((4000L, 0.185f), scalars.Where(s => s.Tag == "model/loss").Select(s => (s.Step, s.Value)).Last());
        Assert.Contains(scalars, s => s.Tag == "final/frechet" && s.Value == 12 && s.Step == 4000);
        double[] times = [.. events.Where(e => e.Summary?.Value[0].Tag == "model/loss").Select(e => e.WallTime)];
        Assert.Equal(78, times[^1] - times[0], 3);
        Summary.Types.Value config = events.Single(e => e.Summary?.Value[0].Tag == "config").Summary.Value[0];
        Assert.Equal("text", config.Metadata.PluginData.PluginName);
        Assert.Contains("width: 16", config.Tensor.StringVal[0].ToStringUtf8(), StringComparison.Ordinal);
    }

    private static IEnumerable<Event> Events(byte[] file)
    {
        for (int at = 0; at < file.Length;)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at));
            Assert.Equal(Masked(file[at..(at + 8)]), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            byte[] data = file[(at + 12)..(at + 12 + length)];
            Assert.Equal(Masked(data), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)));
            yield return Event.Parser.ParseFrom(data);
            at += length + 16;
        }
    }

    private static uint Masked(byte[] data)
    {
        uint sum = Crc32C(data);
        return unchecked(((sum >> 15) | (sum << 17)) + 0xa282ead8u);
    }

    // Bit by bit, from the polynomial; the writer uses the processor's instruction.
    private static uint Crc32C(byte[] data)
    {
        uint sum = ~0u;
        foreach (byte b in data)
        {
            sum ^= b;
            for (int bit = 0; bit < 8; bit++)
            {
                sum = (sum >> 1) ^ (0x82f63b78u & (0u - (sum & 1)));
            }
        }
        return ~sum;
    }

    [Fact]
    public void An_unknown_format_gets_the_nearest_name() =>
        Assert.Contains("did you mean 'parquet'?", Assert.Throws<ArgumentException>(() => RunExport.Write(_run, "parket", "out")).Message, StringComparison.Ordinal);
}
