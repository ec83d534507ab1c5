/// <summary>Striped pictures with captions such as "wide red stripes": a world that is told in one sentence and drawn in one expression.</summary>
public sealed record StripesSource : DataSource
{
    public override IReadOnlyList<string> Words => [.. Stripes.Widths, .. Stripes.Colors.Keys, "stripes"];

    public override IImageSource Open(DataConfig data, DataSplit split, long seed) => new Stripes(data, split, seed);
}

public sealed class Stripes(DataConfig data, DataSplit split, long seed) : IImageSource
{
    public static readonly string[] Widths = ["narrow", "wide"];
    public static readonly Dictionary<string, float[]> Colors = new() { ["red"] = [1, -1, -1], ["green"] = [-1, 1, -1], ["blue"] = [-1, -1, 1] };

    public string Name => $"stripes {data.ImageSize} px, {split}";

    public int Count => split == DataSplit.Train ? data.Images : 1000;

    public IReadOnlyList<UnreadablePicture> Unreadable => [];

    public string Id(int index) => $"stripes-{split}-{index}";

    public string Caption(int index)
    {
        SplitMix64 random = Random(index);
        return $"{Widths[random.NextInt(2)]} {Colors.Keys.ElementAt(random.NextInt(3))} stripes";
    }

    public CaptionedImage Load(int index)
    {
        SplitMix64 random = Random(index);
        int period = random.NextInt(2) == 0 ? 4 : 8;
        float[] color = Colors.Values.ElementAt(random.NextInt(3));
        int size = data.ImageSize, shift = random.NextInt(period);
        float[] pixels = new float[3 * size * size];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = ((i % size) + shift) % period < period / 2 ? color[i / (size * size)] : 1;
        }
        return new CaptionedImage(tensor(pixels, [3, size, size]), Caption(index), Id(index));
    }

    public void Dispose()
    {
    }

    private SplitMix64 Random(int index) => Streams.Managed(seed, $"stripes.{split}", index);
}
