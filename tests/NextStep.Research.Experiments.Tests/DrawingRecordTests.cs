using System.Text.Json.Nodes;
using NextStep.Research;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using TorchSharp;

namespace NextStep.Research.Experiments.Tests;

/// <summary>A drawn picture says what it was drawn from, and is drawn again from that.</summary>
[Collection(nameof(CommandLine))]
public sealed class DrawingRecordTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_drawing_is_repeated_to_the_same_bytes_and_changed_in_single_things()
    {
        string first = First(), again = _folder.File("again.png"), many = _folder.File("many") + "/";
        string said = Done("inspect", first).ReplaceLineEndings("\n");
        Assert.Contains("Description: a \"red\" Kreis\nblue", said, StringComparison.Ordinal);
        Assert.Contains("\"seed\": 9", said, StringComparison.Ordinal);
        JsonNode record = JsonNode.Parse(Done("inspect", first, "--json"))!["nextstep"]!;
        Assert.Equal((4, "grün"), (record["sampling"]!["steps"]!.GetValue<int>(), record["negative"]!.GetValue<string>()));

        Done("generate", "--like", first, "-o", again);
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(again));
        Done("generate", "--like", first, "--seed", "10", "-o", again);
        Assert.NotEqual(File.ReadAllBytes(first), File.ReadAllBytes(again));
        DrawingRecord other = DrawingRecord.Read(again);
        Assert.Equal((10, 3, 4), (other.Seed, other.Sampling.Guidance, other.Sampling.Steps));

        // One file of several: the whole drawing is made again, and that picture of it written.
        Done("generate", "--like", first, "-o", many);
        Done("generate", "--like", many + "0001.png", "-o", again);
        Assert.Equal(File.ReadAllBytes(many + "0001.png"), File.ReadAllBytes(again));
    }

    [Fact]
    public void An_animation_grows_to_the_finished_sheet()
    {
        string gif = _folder.File("a.gif"), first = First("--animate", gif);
        using Image<Rgb24> frames = Image.Load<Rgb24>(gif);
        using torch.Tensor sheet = ImageFile.Load(first), bytes = ImageFile.ToBytes(sheet);
        Assert.Equal(16, frames.Frames.Count);
        Assert.Equal((sheet.size(2), sheet.size(1)), (frames.Width, frames.Height));
        int Difference(int frame, int y, int x) => Math.Abs(bytes[0, y, x].item<byte>() - frames.Frames[frame][x, y].R);
        Assert.InRange(Enumerable.Range(2, 16).Max(i => Difference(15, i, i)), 0, 24); // a palette of 256 colours
        Assert.Equal(230, frames.Frames[0][10, 10].R); // not yet drawn: 0.8
        Assert.Contains("one batch", Failed("generate", "-m", SmallModel.In(_folder), "-p", "x", "-n", "3", "--batch", "2", "-o", first, "--animate", gif), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_model_another_picture_and_other_files_are_not_taken_for_the_old_ones()
    {
        string first = First(), edited = _folder.File("edited.png"), again = _folder.File("again.png"), plain = _folder.File("plain.png");
        Done("edit", "-m", _folder.File("model"), "-i", first, "-p", "make it blue", "-o", edited);
        Done("edit", "--like", edited, "-o", again);
        Assert.Equal(File.ReadAllBytes(edited), File.ReadAllBytes(again));
        using torch.Tensor black = torch.full([3, 4, 4], -1f);
        ImageFile.Save(plain, black);
        File.Copy(plain, first, overwrite: true);
        Assert.Contains("which has changed since", Failed("edit", "--like", edited, "-o", again), StringComparison.Ordinal);
        Done("edit", "--like", edited, "-i", first, "-o", again);
        File.AppendAllText(Path.Combine(_folder.File("model"), "config.json"), " ");
        Assert.Contains("it is another one now", Failed("edit", "--like", edited, "-i", first, "-o", again), StringComparison.Ordinal);
        Assert.Contains("does not say how it was made", Failed("generate", "--like", plain, "-o", again), StringComparison.Ordinal);
        ImageFile.Save(plain, black, new Dictionary<string, string> { [DrawingRecord.Keyword] = "{\"prompts\": 3}" });
        Assert.Contains("is not understood", Failed("generate", "--like", plain, "-o", again), StringComparison.Ordinal);
        (int code, _, string error) = CommandLine.Call("generate", "-o", again);
        Assert.Equal(2, code);
        Assert.Contains("--prompt is missing", error, StringComparison.Ordinal);
    }

    private string First(params string[] more)
    {
        string first = _folder.File("first.png");
        Done(["generate", "-m", SmallModel.In(_folder), "-p", "a \"red\" Kreis", "-p", "blue", "--guidance", "3", "--steps", "4", "--solver", "sde", "--seed", "9", "--negative-prompt", "grün", "-o", first, .. more]);
        return first;
    }

    private static string Done(params string[] arguments)
    {
        (int code, string output, string error) = CommandLine.Call(arguments);
        Assert.True(code == 0, error);
        return output;
    }

    private static string Failed(params string[] arguments)
    {
        (int code, _, string error) = CommandLine.Call(arguments);
        Assert.Equal(1, code);
        return error;
    }
}
