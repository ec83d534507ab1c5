using System.Text.Json;

namespace NextStep.Research.Tests;

/// <summary>A tokenizer folder in the released form, with bytes and two merges for a vocabulary.</summary>
internal static class QwenStyle
{
    public static void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        Dictionary<string, int> vocabulary = ByteAlphabet.Characters.Select((c, i) => (c, i)).ToDictionary(p => p.c.ToString(), p => p.i);
        vocabulary.Add("re", 256);
        vocabulary.Add("red", 257);
        File.WriteAllText(Path.Combine(folder, "vocab.json"), JsonSerializer.Serialize(vocabulary));
        File.WriteAllText(Path.Combine(folder, "merges.txt"), "#version: 0.2\nr e\nre d\n");
        string[] added = ["[PAD]", "<|image_area|>", "<|begin_of_image|>", "<|end_of_image|>", "<|image_placeholder|>", "<|endoftext|>"];
        File.WriteAllText(Path.Combine(folder, "added_tokens.json"), JsonSerializer.Serialize(added.Select((t, i) => (t, i)).ToDictionary(p => p.t, p => 258 + p.i)));
    }
}
