using CsCheck;

namespace NextStep.Research.Tests;

public sealed class SmallTokenizerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("nextstep-text-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Bytes_come_back_for_any_text()
    {
        ByteTokenizer tokenizer = new();
        Gen.String.Where(s => !s.Any(char.IsSurrogate)).Sample(s => Assert.Equal(s, tokenizer.Decode(tokenizer.Encode(s))), iter: 300);
    }

    [Fact]
    public void Words_of_the_shapes_world_come_back()
    {
        WordTokenizer tokenizer = WordTokenizer.FromCaptions(["a dog", .. CaptionGrammar.Words]);
        foreach (string skill in ShapesSource.SkillNames)
        {
            foreach (string prompt in ShapesSource.EvaluationPrompts(skill, 20, 1))
            {
                int[] ids = tokenizer.Encode(prompt);
                Assert.DoesNotContain(WordTokenizer.UnknownId, ids);
                Assert.Equal(prompt, tokenizer.Decode(ids));
                string framed = CaptionGrammar.Write(CaptionGrammar.Parse(prompt) with { Background = SceneBackground.Black }, 4);
                Assert.Equal(framed, tokenizer.Decode(tokenizer.Encode(framed)));
            }
        }
        foreach (EditKind kind in Enum.GetValues<EditKind>())
        {
            string instruction = SceneEdits.Draw(kind, PairSplit.Seen, Streams.Managed(1, "test.words")).Instruction;
            Assert.DoesNotContain(WordTokenizer.UnknownId, tokenizer.Encode(instruction));
        }
    }

    [Fact]
    public void Special_tokens_and_sizes_are_recognised()
    {
        foreach (TextTokenizer tokenizer in (TextTokenizer[])[new ByteTokenizer(), WordTokenizer.FromCaptions(["a red circle"])])
        {
            const string Text = "a red circle<|image_area|>4*16<|begin_of_image|><|image_placeholder|><|end_of_image|>[PAD]<|endoftext|>";
            int[] ids = tokenizer.Encode(Text);
            Assert.Contains(tokenizer.Special.ImageArea, ids);
            Assert.Equal([tokenizer.Special.BeginOfImage, tokenizer.Special.ImagePlaceholder, tokenizer.Special.EndOfImage, tokenizer.Special.Pad, tokenizer.Special.EndOfText], ids[^5..]);
            Assert.Equal(Text, tokenizer.Decode(ids));
            Assert.All(ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
            Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([tokenizer.VocabularySize]));
        }
    }

    [Fact]
    public void Vocabulary_does_not_depend_on_the_order_of_captions()
    {
        Assert.Equal(WordTokenizer.FromCaptions(["Big dog", "zebra 7"]).Words, WordTokenizer.FromCaptions(["zebra 7", "big dog", "dog"]).Words);
        Assert.Equal([WordTokenizer.UnknownId], WordTokenizer.FromCaptions([]).Encode("zebra"));
        Assert.Equal([WordTokenizer.UnknownId], WordTokenizer.FromCaptions(["a dog"]).Encode("circle")); // no world's words but the captions' own
    }

    [Fact]
    public void Saved_tokenizers_load_as_they_were()
    {
        new ByteTokenizer().Save(_folder);
        Assert.IsType<ByteTokenizer>(TextTokenizerFiles.Load(_folder));
        WordTokenizer words = WordTokenizer.FromCaptions(["thumbs up: dark skin tone", "Åland"]);
        words.Save(_folder);
        Assert.Equal(words.Words, Assert.IsType<WordTokenizer>(TextTokenizerFiles.Load(_folder)).Words);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"kind\": \"words\", \"spec")]
    [InlineData("{\"kind\": \"words\"}")]
    [InlineData("{\"kind\": \"runes\", \"specials\": [\"[PAD]\",\"<|image_area|>\",\"<|begin_of_image|>\",\"<|end_of_image|>\",\"<|image_placeholder|>\",\"<|endoftext|>\"]}")]
    [InlineData("{\"kind\": \"words\", \"words\": [\"a\",\"a\"], \"specials\": [\"[PAD]\",\"<|image_area|>\",\"<|begin_of_image|>\",\"<|end_of_image|>\",\"<|image_placeholder|>\",\"<|endoftext|>\"]}")]
    public void Damaged_file_is_named(string content)
    {
        File.WriteAllText(Path.Combine(_folder, TextTokenizerFiles.FileName), content);
        Assert.Contains(TextTokenizerFiles.FileName, Assert.Throws<InvalidDataException>(() => TextTokenizerFiles.Load(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_file_is_named() => Assert.Throws<FileNotFoundException>(() => TextTokenizerFiles.Load(_folder));
}
