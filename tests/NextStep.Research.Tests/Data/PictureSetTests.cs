using TorchSharp;

namespace NextStep.Research.Tests;

public sealed class PictureSetTests
{
    [Fact]
    public void Pictures_come_in_the_order_of_their_names_at_any_depth()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder.File("b"));
        Save(folder.File("b/2.png"), 0.5f, 12);
        Save(folder.File("a.png"), -1, 12);
        File.WriteAllText(folder.File("readme.txt"), "not looked at");
        using PictureSet set = PictureSet.Load([folder.Path]);
        Assert.Equal([folder.File("a.png"), folder.File("b/2.png")], set.Names);
        Assert.Equal([2, 3, 12, 12], set.Pixels.shape);
        Assert.Equal(-1, set.Pixels[0, 0, 0, 0].item<float>());
    }

    [Fact]
    public void Broken_pictures_are_named_or_left_out_and_sizes_must_agree()
    {
        using TemporaryFolder folder = new();
        Save(folder.File("a.png"), 0, 12);
        File.WriteAllBytes(folder.File("b.png"), File.ReadAllBytes(folder.File("a.png"))[..40]);
        Assert.Contains("b.png", Assert.Throws<InvalidDataException>(() => PictureSet.Load([folder.Path])).Message, StringComparison.Ordinal);
        using (PictureSet set = PictureSet.Load([folder.Path], skipBroken: true))
        {
            Assert.Equal(1, set.Pixels.size(0));
            Assert.Equal(folder.File("b.png"), Assert.Single(set.Skipped).File);
        }
        Assert.Contains("None of the 1 pictures", Assert.Throws<InvalidDataException>(() => PictureSet.Load([folder.File("b.png")], skipBroken: true)).Message, StringComparison.Ordinal);
        Save(folder.File("c.png"), 0, 16);
        Assert.Contains("2 sizes: 1 of 12x12", Assert.Throws<InvalidDataException>(() => PictureSet.Load([folder.File("a.png"), folder.File("c.png")])).Message, StringComparison.Ordinal);
        using PictureSet resized = PictureSet.Load([folder.File("a.png"), folder.File("c.png")], size: 8);
        Assert.Equal([2, 3, 8, 8], resized.Pixels.shape);
    }

    [Fact]
    public void Hidden_files_are_left_alone_and_other_formats_are_named()
    {
        using TemporaryFolder folder = new();
        foreach (string name in (string[])["a.png", ".ipynb_checkpoints/a-checkpoint.png", "@eaDir/thumb.png", "._a.png"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder.File(name))!);
            Save(folder.File(name), 0, 12);
        }
        using (PictureSet set = PictureSet.Load([folder.Path + "/"]))
        {
            Assert.Single(set.Names);
        }
        File.WriteAllText(folder.File("b.tif"), "another format");
        Assert.Contains("b.tif", Assert.Throws<InvalidDataException>(() => PictureSet.Load([folder.Path])).Message, StringComparison.Ordinal);
        using PictureSet rest = PictureSet.Load([folder.Path], skipBroken: true);
        Assert.Equal(folder.File("b.tif"), Assert.Single(rest.Skipped).File);
    }

    private static void Save(string file, float value, int size)
    {
        using torch.Tensor picture = torch.full([3, size, size], value);
        ImageFile.Save(file, picture);
    }
}
