using System.Text.Json;
using CsCheck;

namespace NextStep.Research.Tests;

public sealed class QwenTokenizerTests
{
    private const string Corpus =
        "a red circle and a blue square, the red square's left of the circle; it's what they've said, they'll say, I'm sure, we'd see. 2023 and 12345 numbers. " +
        "Ein großes grünes Dreieck über dem Kreis. Красный круг и синий квадрат. 一个红色的圆圈和一个蓝色的方块。 赤い丸と青い四角。 빨간 원과 파란 사각형. " +
        "دائرة حمراء ومربع أزرق. लाल वृत्त और नीला वर्ग। a\n\n  b\t\tc    d\r\n!!! ... ??? (x+y)=z;";

    private static readonly string[] SpecialNames =
        ["<|endoftext|>", "<|im_start|>", "[PAD]", "<|image_area|>", "<|begin_of_image|>", "<|end_of_image|>", "<|image_placeholder|>"];

    private static readonly SmallBpe Plain = new(Corpus, 200);

    private static Dictionary<string, int> Added() => SpecialNames.Select((name, i) => (name, i)).ToDictionary(pair => pair.name, pair => Plain.Vocabulary.Count + pair.i);

    private static void WriteSplit(string folder)
    {
        File.WriteAllText(Path.Combine(folder, "vocab.json"), JsonSerializer.Serialize(Plain.Vocabulary));
        File.WriteAllText(Path.Combine(folder, "merges.txt"), "#version: 0.2\n" + string.Concat(Plain.Merges.Select(pair => $"{pair.First} {pair.Second}\n")));
        File.WriteAllText(Path.Combine(folder, "added_tokens.json"), JsonSerializer.Serialize(Added()));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"bos_token":null,"pad_token":{"content":"[PAD]"}}""");
    }

    private static void WriteWhole(string folder, string pattern = QwenPreTokenizer.Pattern) =>
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), JsonSerializer.Serialize(new
        {
            added_tokens = Added().Select(pair => new { id = pair.Value, content = pair.Key, special = true }),
            pre_tokenizer = new { type = "Sequence", pretokenizers = new object[] { new { type = "Split", pattern = new { Regex = pattern } }, new { type = "ByteLevel" } } },
            model = new { type = "BPE", vocab = Plain.Vocabulary, merges = Plain.Merges.Select(pair => new[] { pair.First, pair.Second }) },
        }));

    private static QwenTokenizer Load(Action<string> write)
    {
        using var folder = new TemporaryFolder();
        write(folder.Path);
        return QwenTokenizer.Load(folder.Path);
    }

    [Theory]
    [InlineData("a red circle")]
    [InlineData("It's THEY'LL i'D don't 'quoted' 's")]
    [InlineData("1234567890 x1y22 ٣٤ ½ Ⅷ")]
    [InlineData("  two  spaces   and\ttabs \t and trailing   ")]
    [InlineData("lines\n\n  \n next\r\n\r\nend \n")]
    [InlineData("!?.. (a) [b] — «quoted» a!b !c\n\n")]
    [InlineData("grünes Dreieck ÄÖÜ naïve")]
    [InlineData("Красный круг, синий")]
    [InlineData("一个红色的圆圈。赤い丸 빨간 원")]
    [InlineData("दीवार وَالقمر ไทย")]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("\n")]
    [InlineData("\u00a0x\u2003y\u0085z")]
    public void Ids_equal_those_of_the_plain_implementation(string text)
    {
        var tokenizer = Load(WriteSplit);
        var ids = tokenizer.Encode(text);
        Assert.Equal(Plain.Encode(NfcNormalizer.Normalize(text)), ids);
        Assert.Equal(NfcNormalizer.Normalize(text), tokenizer.Decode(ids));
    }

    [Fact]
    public void Random_text_encodes_as_the_plain_implementation_does_and_comes_back()
    {
        var tokenizer = Load(WriteSplit);
        var alphabet = (Corpus + " \n\r\t'’sStTrReEvVmMlLdD0123456789ſéÅ").ToCharArray();
        Gen.Int[0, alphabet.Length - 1].Select(i => alphabet[i]).Array[0, 60].Sample(characters =>
        {
            var text = NfcNormalizer.Normalize(new string(characters));
            var ids = tokenizer.Encode(text);
            Assert.Equal(Plain.Encode(text), ids);
            Assert.Equal(text, tokenizer.Decode(ids));
        }, iter: 2000);
    }

    [Fact]
    public void One_file_gives_the_same_tokenizer_as_four()
    {
        var split = Load(WriteSplit);
        var whole = Load(folder => WriteWhole(folder));
        Assert.Equal(split.Special, whole.Special);
        Assert.Equal(split.VocabularySize, whole.VocabularySize);
        Assert.Equal(split.Encode(Corpus), whole.Encode(Corpus));
    }

    [Fact]
    public void Special_tokens_are_whole_and_their_ids_come_from_the_files()
    {
        var tokenizer = Load(WriteSplit);
        var added = Added();
        var ids = tokenizer.Encode("a red<|image_area|>16*16<|begin_of_image|><|image_placeholder|><|image_placeholder|><|end_of_image|>[PAD]");
        Assert.Equal([.. Plain.Encode("a red"), added["<|image_area|>"], .. Plain.Encode("16*16"), added["<|begin_of_image|>"], added["<|image_placeholder|>"],
            added["<|image_placeholder|>"], added["<|end_of_image|>"], added["[PAD]"]], ids);
        Assert.Equal(added["<|image_placeholder|>"], tokenizer.Special.ImagePlaceholder);
        Assert.Equal(added["[PAD]"], tokenizer.Special.Pad);
        Assert.Null(tokenizer.Special.BeginOfText);
        Assert.Equal(added.Values.Max() + 1, tokenizer.VocabularySize);
        Assert.Equal("<|im_start|>x", tokenizer.Decode(tokenizer.Encode("<|im_start|>x")));
    }

    [Fact]
    public void Letters_outside_the_basic_plane_are_letters_and_pairs_are_not_cut()
    {
        static string[] Cut(string text) => [.. QwenPreTokenizer.Cut(text).Select(piece => text.Substring(piece.Offset, piece.Length))];
        Assert.Equal(["a𠀀b"], Cut("a𠀀b"));
        Assert.Equal(["😀abc"], Cut("😀abc")); // one symbol may lead a word
        Assert.Equal([" 😀😀", "abc"], Cut(" 😀😀abc"));
        Assert.Equal(["𝟙", "𝟚"], Cut("𝟙𝟚"));
        Assert.Equal(["x", " ", " y"], Cut("x  y"));
    }

    [Fact]
    public void Work_grows_with_the_length_of_a_word_and_not_with_its_square()
    {
        var tokenizer = Load(WriteSplit);
        var word = string.Concat(Enumerable.Repeat("redcirclegroßesDreieck一个", 5_000)); // 140 kB without a blank, minutes by pairwise merging
        var ids = tokenizer.Encode(word);
        Assert.Equal(word, tokenizer.Decode(ids));
        Assert.Equal(Plain.Encode(word[..4_600]), tokenizer.Encode(word[..4_600]));
        Assert.InRange(ids.Length, 10_000, 140_000);
    }

    [Fact]
    public void Saved_files_are_the_files_that_were_read()
    {
        using var first = new TemporaryFolder();
        using var second = new TemporaryFolder();
        WriteSplit(first.Path);
        QwenTokenizer.Load(first.Path).Save(second.Path);
        Assert.Equal(4, Directory.GetFiles(second.Path).Length);
        Assert.All(Directory.GetFiles(first.Path), file => Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(second.File(Path.GetFileName(file)))));
    }

    [Theory]
    [InlineData("vocab.json", "{", "vocab.json")]
    [InlineData("vocab.json", "{\"a\":-1}", "vocab.json")]
    [InlineData("vocab.json", "[]", "vocab.json")]
    [InlineData("vocab.json", "{\"a\":1,\"b\":1}", "two tokens have the id 1")]
    [InlineData("vocab.json", "{\"\u4e00\":1}", "byte alphabet")]
    [InlineData("added_tokens.json", "{\"[PAD]\":1}", "structural tokens: <|image_area|>, <|begin_of_image|>")]
    [InlineData("added_tokens.json", "{\"x\":5000,\"y\":5000}", "both have the id 5000")]
    [InlineData("tokenizer_config.json", "{\"added_tokens_decoder\":{\"x\":{}}}", "tokenizer_config.json")]
    [InlineData("merges.txt", "nonsense-without-space\n", "do not fit together")]
    public void Damaged_files_are_named(string file, string contents, string fault)
    {
        using var folder = new TemporaryFolder();
        WriteSplit(folder.Path);
        File.WriteAllText(folder.File(file), contents);
        Assert.Contains(fault, Assert.Throws<InvalidDataException>(() => QwenTokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_pattern_and_an_empty_folder_are_refused()
    {
        Assert.Contains("another pattern", Assert.Throws<InvalidDataException>(() => Load(folder => WriteWhole(folder, @"\p{N}{1,3}"))).Message, StringComparison.Ordinal);
        Assert.Contains("no tokenizer here", Assert.Throws<FileNotFoundException>(() => Load(_ => { })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("e\u0301", "é")]
    [InlineData("A\u030a", "Å")]
    [InlineData("\u212b", "Å")]
    [InlineData("\u1112\u1161\u11ab", "한")]
    [InlineData("\uac00\u11a8", "각")]
    [InlineData("\u0915\u093c", "\u0915\u093c")] // excluded from composition
    [InlineData("\u0958", "\u0915\u093c")]
    [InlineData("a\u0323\u0307", "\u1ea1\u0307")]
    [InlineData("a\u0307\u0323", "\u1ea1\u0307")]
    [InlineData("s\u0323\u0307", "\u1e69")]
    [InlineData("d\u0307\u0323", "\u1e0d\u0307")]
    [InlineData("\u0344", "\u0308\u0301")]
    [InlineData("\u09c7\u09be", "\u09cb")]
    [InlineData("\u0301e", "\u0301e")]
    [InlineData("\U0001D15E", "\U0001D157\U0001D165")]
    [InlineData("plain", "plain")]
    public void Form_c_is_that_of_unicode(string text, string expected)
    {
        Assert.Equal(expected, NfcNormalizer.Normalize(text));
        Assert.Equal(expected, NfcNormalizer.Normalize(expected));
    }
}
