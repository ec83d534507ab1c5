using CsCheck;
using TorchSharp;

namespace NextStep.Research.Tests;

public class BatchesTests
{
    [Fact]
    public void Every_epoch_shows_every_picture_once() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 17], Gen.Long[0, 1000]).Sample((count, batch, seed) =>
        {
            int steps = ((3 * count) + batch - 1) / batch;
            int[] all = [.. Enumerable.Range(0, steps).SelectMany(s => Batches.Indices(seed, "test", s, batch, count)).Take(3 * count)];
            for (int epoch = 0; epoch < 3; epoch++)
            {
                Assert.Equal(Enumerable.Range(0, count), all[(epoch * count)..((epoch + 1) * count)].Order());
            }
        }, iter: 100);

    [Fact]
    public void Indices_do_not_depend_on_what_was_asked_before()
    {
        int[] direct = Batches.Indices(4, "test", 900, 32, 1000);
        _ = Batches.Indices(4, "test", 0, 32, 1000);
        _ = Batches.Indices(5, "test", 3, 32, 10);
        Assert.Equal(direct, Batches.Indices(4, "test", 900, 32, 1000));
        Assert.NotEqual(direct, Batches.Indices(5, "test", 900, 32, 1000));
    }

    [Fact]
    public void Loading_keeps_the_order_that_was_asked()
    {
        using ShapesSource source = new(new DataConfig { Images = 20 }, DataSplit.Train, 0);
        using (CaptionedBatch batch = Batches.Load(source, [3, 1, 3]))
        {
            Assert.Equal([3L, 3, 32, 32], batch.Pixels.shape);
            Assert.Equal([source.Caption(3), source.Caption(1), source.Caption(3)], batch.Captions);
            Assert.Equal(["shapes-train-000003", "shapes-train-000001", "shapes-train-000003"], batch.Ids);
            using CaptionedImage one = source.Load(1);
            Assert.True(batch.Pixels[1].equal(one.Pixels).all().item<bool>());
        }
        Assert.Throws<InvalidDataException>(() => Batches.Load(source, [99]));
    }
}
