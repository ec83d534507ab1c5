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
        Assert.Equal((12L, 0L), (cells.Rows.Count, cells["alignment"].NullCount));
        DataFrame curves = _run.CurvesToDataFrame();
        Assert.Equal(8 * 2 * 40, curves.Rows.Count);
        Assert.Equal([8L, 8L], [cells.Complete("alignment").Rows.Count, cells.Complete("alignment", "arm").Rows.Count]);
        Assert.Contains("columns: cell, arm", Assert.Throws<ArgumentException>(() => cells.Complete("alignments")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => cells.Complete());
    }

    // One seed of three has not run in any arm: Microsoft.Data.Analysis takes a null of a group for a zero, and lets it pass a comparison.
    [Fact]
    public void No_mean_of_a_data_frame_counts_a_cell_without_a_number_as_zero()
    {
        DataFrame cells = _run.ToDataFrame();
        Assert.Equal(8, cells.Filter(cells["alignment"].ElementwiseLessThan(2)).Rows.Count);
        DataFrame naive = cells.GroupBy("arm").Mean("alignment"), complete = cells.Complete("alignment").GroupBy("arm").Mean("alignment");
        Assert.Equal(4, complete.Rows.Count);
        for (int arm = 0; arm < 4; arm++)
        {
            double[] expected = [.. _plan.Cells.Where(c => c.Arm == (string)complete[arm, 0]).Select(c => _run.ReadResult(c)).OfType<CellResult>().Select(r => r.Metrics["alignment"])];
            Assert.Equal(2, expected.Length);
            Assert.Equal(expected.Average(), (double)complete[arm, 1], 12);
            Assert.Equal(double.NaN, naive[arm, 1]);
        }
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
    public void Every_arm_has_a_folder_of_its_own_whatever_it_is_called_and_whatever_else_there_is()
    {
        string[] arms = ["baseline", "猫", "犬", "a b", "a/b", "a_b", "..", ".", "CON.", "Wide", "wide", "noiseStrength=0.5,width=8", new('x', 300), new string('x', 300) + "y"];
        IReadOnlyDictionary<string, string> names = FolderNames.Of(arms);
        Assert.Equal(arms.Length, names.Values.Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.Equal(("baseline", "noiseStrength=0.5,width=8", "a_b"), (names["baseline"], names["noiseStrength=0.5,width=8"], names["a_b"]));
        Assert.All(names.Values, n => Assert.Matches("^[A-Za-z0-9._=,-]{1,200}(?<![.])$", n));
        Assert.All(arms.Except(["Wide", "wide"]), a => Assert.Equal(names[a], FolderNames.Of([a])[a]));
    }

    [Fact]
    public void A_second_export_to_TensorBoard_renews_the_first_and_leaves_no_other_events_beside_it()
    {
        IReadOnlyList<string> files = Export("tensorboard");
        string place = Path.GetDirectoryName(files[0])!;
        File.WriteAllText(Path.Combine(place, "events.out.tfevents.1764300000.0123456789abcdef"), "as earlier versions named it");
        File.WriteAllText(Path.Combine(place, "events.out.tfevents.1764300000.host"), "of another program");
        Directory.SetLastWriteTimeUtc(_run.Path, DateTime.UtcNow);
        File.SetLastWriteTimeUtc(Path.Combine(_run.Cell(_plan.Cells[0]), "result.json"), DateTime.UtcNow.AddHours(1)); // copied
        Assert.Equal(files, Export("tensorboard"));
        Assert.Equal(["events.out.tfevents.0.nextstep", "events.out.tfevents.1764300000.host"], Directory.GetFiles(place).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void TensorBoard_gets_the_settings_as_hyperparameters_with_the_arm_as_group()
    {
        string file = Export("tensorboard").Single(f => f.Contains(Path.Combine("width=16,noiseStrength=0.5", "seed1"), StringComparison.Ordinal));
        Summary.Types.Value[] sessions = [.. Events(File.ReadAllBytes(file)).Where(e => e.Summary is not null).SelectMany(e => e.Summary.Value).Where(v => v.Metadata?.PluginData.PluginName == "hparams")];
        Assert.Equal(["_hparams_/session_start_info", "_hparams_/session_end_info"], sessions.Select(v => v.Tag));
        // HParamsPluginData { session_start_info = 3 { hparams = 1 { key = 1, Value = 2 { number_value = 2 } }, group_name = 4, start_time_secs = 5 } }
        (int Field, byte[] Bytes)[] start = [.. Fields(Fields(sessions[0].Metadata.PluginData.Content.ToByteArray()).Single(f => f.Field == 3).Bytes)];
        Dictionary<string, double> settings = start.Where(f => f.Field == 1).Select(f => Fields(f.Bytes).ToArray())
            .ToDictionary(e => System.Text.Encoding.UTF8.GetString(e.Single(f => f.Field == 1).Bytes), e => BitConverter.ToDouble(Fields(e.Single(f => f.Field == 2).Bytes).Single(f => f.Field == 2).Bytes));
        Assert.Equal(new Dictionary<string, double> { ["autoencoder.width"] = 16, ["autoencoder.noiseStrength"] = 0.5 }, settings);
        Assert.Equal("width=16,noiseStrength=0.5", System.Text.Encoding.UTF8.GetString(start.Single(f => f.Field == 4).Bytes));
        // session_end_info = 4 { status = 1: success, end_time_secs = 2 }
        (int Field, byte[] Bytes)[] end = [.. Fields(Fields(sessions[1].Metadata.PluginData.Content.ToByteArray()).Single(f => f.Field == 4).Bytes)];
        Assert.Equal([1], end.Single(f => f.Field == 1).Bytes);
        Assert.Equal(84.5, BitConverter.ToDouble(end.Single(f => f.Field == 2).Bytes) - BitConverter.ToDouble(start.Single(f => f.Field == 5).Bytes), 3);
    }

    // A protobuf message without its classes: number and content of every field; whole numbers below 128.
    private static IEnumerable<(int Field, byte[] Bytes)> Fields(byte[] message)
    {
        for (int at = 0; at < message.Length;)
        {
            (int field, int type) = (message[at] >> 3, message[at] & 7);
            at++;
            (int start, int length) = type switch { 0 => (at, 1), 1 => (at, 8), _ => message[at] < 128 ? (at + 1, message[at]) : (at + 2, (message[at] & 127) | (message[at + 1] << 7)) };
            yield return (field, message[start..(start + length)]);
            at = start + length;
        }
    }

    [Fact]
    public void MLflow_finds_an_experiment_with_a_run_a_finished_cell_and_a_second_export_renews_it()
    {
        string[] files = [.. Export("mlflow")];
        Assert.Equal(1 + 8, files.Length);
        string experiment = Path.GetDirectoryName(files[0])!, id = Path.GetFileName(experiment), run = Path.GetDirectoryName(files[2])!;
        Assert.Matches("^[1-9][0-9]{17}$", id);
        Assert.Equal(_folder.File("out"), Path.GetDirectoryName(experiment));
        Dictionary<string, string> meta = Meta(files[0]), runMeta = Meta(files[2]);
        // What Experiment.from_dictionary and RunInfo.from_dictionary of MLflow 2.13 read.
        Assert.Equal((id, "grid", "active", new Uri(experiment).AbsoluteUri), (meta["experiment_id"], meta["name"], meta["lifecycle_stage"], meta["artifact_location"]));
        Assert.Equal((id, Path.GetFileName(run), Path.GetFileName(run), "active", "3", "[]"), (runMeta["experiment_id"], runMeta["run_id"], runMeta["run_uuid"], runMeta["lifecycle_stage"], runMeta["status"], runMeta["tags"]));
        Assert.Matches("^[0-9a-f]{32}$", runMeta["run_id"]);
        Assert.Equal(84500, long.Parse(runMeta["end_time"], System.Globalization.CultureInfo.InvariantCulture) - long.Parse(runMeta["start_time"], System.Globalization.CultureInfo.InvariantCulture), 2.0);
        PlannedCell cell = _plan.Cells[1];
        Assert.Equal((cell.Label, cell.Arm), (File.ReadAllText(Path.Combine(run, "tags", "mlflow.runName")), File.ReadAllText(Path.Combine(run, "tags", "nextstep.arm"))));
        Assert.Equal(("0123abc", "extractor 12ab, 100 samples"), (File.ReadAllText(Path.Combine(run, "tags", "mlflow.source.git.commit")), File.ReadAllText(Path.Combine(run, "tags", "nextstep.identity.frechet"))));
        Assert.Equal(("8", "0.5"), (File.ReadAllText(Path.Combine(run, "params", "autoencoder.width")), File.ReadAllText(Path.Combine(run, "params", "autoencoder.noiseStrength"))));
        string[][] losses = [.. File.ReadLines(Path.Combine(run, "metrics", "train", "model.loss")).Select(l => l.Split(' '))];
        Assert.Equal((40, 3, "4000", "0.105"), (losses.Length, losses[0].Length, losses[^1][2], losses[^1][1]));
        Assert.Equal("12", File.ReadAllText(Path.Combine(run, "metrics", "frechet")).Split(' ')[1]);
        Assert.True(File.Exists(Path.Combine(run, "artifacts", "config.yaml")));
        Assert.All(Directory.GetFiles(experiment, "*", SearchOption.AllDirectories), f => Assert.Matches("^[A-Za-z0-9_. /-]+$", Path.GetRelativePath(experiment, f).Replace('\\', '/')));

        File.WriteAllText(Path.Combine(run, "metrics", "gone"), "0 1 0\n");
        File.WriteAllText(Path.Combine(run, "tags", "mlflow.note.content"), "written in the UI");
        Assert.Equal(files, Export("mlflow"));
        Assert.False(File.Exists(Path.Combine(run, "metrics", "gone")));
        Assert.True(File.Exists(Path.Combine(run, "tags", "mlflow.note.content")));
    }

    private static Dictionary<string, string> Meta(string file)
    {
        YamlDotNet.RepresentationModel.YamlStream yaml = [];
        using StringReader text = new(File.ReadAllText(file));
        yaml.Load(text);
        return ((YamlDotNet.RepresentationModel.YamlMappingNode)yaml.Documents[0].RootNode).Children
            .ToDictionary(c => c.Key.ToString(), c => c.Value is YamlDotNet.RepresentationModel.YamlScalarNode s ? s.Value ?? "" : "[]");
    }

    [Fact]
    public void An_unknown_format_gets_the_nearest_name() =>
        Assert.Contains("did you mean 'parquet'?", Assert.Throws<ArgumentException>(() => RunExport.Write(_run, "parket", "out")).Message, StringComparison.Ordinal);
}
