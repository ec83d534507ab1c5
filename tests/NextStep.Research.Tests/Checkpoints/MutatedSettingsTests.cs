using System.Text;

namespace NextStep.Research.Tests;

/// <summary>Thousands of damaged small files of a model folder: the answer is a model that fits the file, or a documented exception that names the folder.</summary>
[Collection(nameof(Alone))]
public sealed class MutatedSettingsTests
{
    private const int Count = 2500;

    // Managed memory that a damaged file may cost; with the modules of a model of bounded depth where one is built.
    private const long ReadingLimit = 1 << 25;
    private const long BuildingLimit = 1 << 29;

    [Theory]
    [InlineData("config.json")]
    [InlineData("vae/config.json")]
    public void Mutated_configurations_are_refused_or_describe_a_model_of_bounded_size(string name) => Attack(name, folder =>
    {
        NextStepConfig config = ReleasedConfig.Read(Path.Combine(folder, "config.json"), TextTokenizerFiles.Load(folder).Special);
        (int? side, SamplingConfig sampling) = ReleasedConfig.ReadOwn(Path.Combine(folder, "config.json"));
        AutoencoderConfig pictures = ReleasedConfig.ReadAutoencoder(Path.Combine(folder, "vae", "config.json"), config.LatentPatchSize);
        Assert.InRange(config.Transformer.Layers, 1, 1024);
        Assert.InRange(config.Head.Layers, 1, 1024);
        Assert.InRange(config.Transformer.HeadDim, 1, 4096);
        Assert.InRange(config.Transformer.KeyValueHeads, 1, 1024);
        Assert.InRange(pictures.PixelsPerToken, 1, 1 << 21);
        Assert.InRange(sampling.Steps, 1, 1000);
        Assert.True(side is null or > 0);
    });

    [Fact]
    public void Mutated_small_tokenizers_are_read_or_refused() => Attack("nextstep_tokenizer.json", folder => Assert.NotEmpty(TextTokenizerFiles.Load(folder).Encode("a red circle")));

    [Theory]
    [InlineData("vocab.json")]
    [InlineData("merges.txt")]
    [InlineData("added_tokens.json")]
    public void Mutated_tokenizers_are_read_or_refused(string name)
    {
        using TemporaryFolder qwen = new();
        QwenStyle.Write(qwen.Path);
        Attack(name, folder => Assert.NotEmpty(QwenTokenizer.Load(folder).Encode("aé 12<|endoftext|>")), qwen.Path);
    }

    // Whole folders: what the settings say must agree with the weights, or the error lists what does not.
    [Fact]
    public void A_folder_with_a_mutated_configuration_loads_or_is_refused() => Attack("config.json", folder => ReleasedFolder.Load(folder).Dispose(), count: 200, limit: BuildingLimit);

    private static void Attack(string name, Action<string> read, string? from = null, int count = Count, long limit = ReadingLimit)
    {
        using TemporaryFolder folder = new();
        if (from is null)
        {
            TextTokenizer tokenizer = WordTokenizer.FromCaptions(["a red circle"]);
            using NextStepModel model = TinyModels.Model(tokenizer);
            using ImageAutoencoder autoencoder = TinyModels.Pictures();
            ReleasedFolder.Save(folder.Path, model, autoencoder, tokenizer, 8, new SamplingConfig());
        }
        else
        {
            foreach (string file in Directory.GetFiles(from))
            {
                File.Copy(file, folder.File(Path.GetFileName(file)));
            }
        }
        byte[] good = File.ReadAllBytes(folder.File(name));
        int refused = 0, accepted = 0;
        for (int i = 0; i < count; i++)
        {
            File.WriteAllBytes(folder.File(name), Mutate(good, i));
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read(folder.Path);
                accepted++;
            }
            catch (Exception e) when (e is InvalidDataException or DeviceTooSmallException)
            {
                Assert.True(e is DeviceTooSmallException || e.Message.Contains(folder.Path, StringComparison.Ordinal), e.Message);
                refused++;
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, limit);
        }
        Assert.True(refused > 0 && accepted > 0, $"{refused} refused, {accepted} accepted");
    }

    // Bit flips, other digits, cut ends, doubled and dropped pieces, and now and then a hostile value for a whole number.
    private static byte[] Mutate(byte[] good, int seed)
    {
        Random random = new(seed);
        List<byte> bytes = [.. good];
        for (int change = random.Next(3); change >= 0 && bytes.Count > 0; change--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(7))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes.RemoveRange(at, random.Next(4) == 0 ? bytes.Count - at : Math.Min(random.Next(1, 40), bytes.Count - at)); break;
                case 3: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 40), bytes.Count - at))); break;
                default: ReplaceNumber(bytes, at, random); break;
            }
        }
        return [.. bytes];
    }

    private static void ReplaceNumber(List<byte> bytes, int at, Random random)
    {
        string[] hostile = ["0", "-1", "2147483647", "99999999999999999999", "1e999", "0.5", "null", "true", "[]", "{}", "\"x\"", "7", "1024"];
        int start = bytes.FindIndex(at, b => b is >= (byte)'0' and <= (byte)'9');
        if (start < 0)
        {
            return;
        }
        int end = bytes.FindIndex(start, b => b is < (byte)'0' or > (byte)'9');
        bytes.RemoveRange(start, (end < 0 ? bytes.Count : end) - start);
        bytes.InsertRange(start, Encoding.UTF8.GetBytes(hostile[random.Next(hostile.Length)]));
    }
}
