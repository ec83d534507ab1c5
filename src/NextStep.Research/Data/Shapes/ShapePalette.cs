namespace NextStep.Research;

/// <summary>8-bit sRGB values of the shapes world.</summary>
internal static class ShapePalette
{
    /// <summary>The value of a colour.</summary>
    public static (byte R, byte G, byte B) Of(ShapeColor color) => color switch
    {
        ShapeColor.Red => (220, 40, 40),
        ShapeColor.Orange => (245, 140, 20),
        ShapeColor.Yellow => (245, 220, 40),
        ShapeColor.Green => (40, 170, 60),
        ShapeColor.Cyan => (40, 200, 210),
        ShapeColor.Blue => (40, 80, 220),
        ShapeColor.Purple => (130, 60, 180),
        ShapeColor.Pink => (255, 105, 180),
        _ => throw new ArgumentOutOfRangeException(nameof(color), color, "No such colour."),
    };

    /// <summary>The value of a background.</summary>
    public static (byte R, byte G, byte B) Of(SceneBackground background) => background switch
    {
        SceneBackground.White => (255, 255, 255),
        SceneBackground.Black => (10, 10, 10),
        _ => throw new ArgumentOutOfRangeException(nameof(background), background, "No such background."),
    };
}
