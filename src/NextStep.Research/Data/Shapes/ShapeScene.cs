namespace NextStep.Research;

/// <summary>The eight shapes of the world.</summary>
public enum ShapeKind
{
    /// <summary>A disc.</summary>
    Circle,

    /// <summary>An axis-parallel square.</summary>
    Square,

    /// <summary>An equilateral triangle, point up.</summary>
    Triangle,

    /// <summary>A square on its corner.</summary>
    Diamond,

    /// <summary>A five-pointed star, point up.</summary>
    Star,

    /// <summary>An upright cross with equal arms.</summary>
    Cross,

    /// <summary>A ring.</summary>
    Ring,

    /// <summary>A heart, point down.</summary>
    Heart,
}

/// <summary>The eight colours of the world.</summary>
public enum ShapeColor
{
    /// <summary>(220, 40, 40)</summary>
    Red,

    /// <summary>(245, 140, 20)</summary>
    Orange,

    /// <summary>(245, 220, 40)</summary>
    Yellow,

    /// <summary>(40, 170, 60)</summary>
    Green,

    /// <summary>(40, 200, 210)</summary>
    Cyan,

    /// <summary>(40, 80, 220)</summary>
    Blue,

    /// <summary>(130, 60, 180)</summary>
    Purple,

    /// <summary>(255, 105, 180)</summary>
    Pink,
}

/// <summary>What the objects lie on. Grey is left out: pink and purple are too close to it.</summary>
public enum SceneBackground
{
    /// <summary>(255, 255, 255)</summary>
    White,

    /// <summary>(10, 10, 10)</summary>
    Black,
}

/// <summary>What a caption exercises; the first six follow the task types of GenEval.</summary>
public enum ShapeSkill
{
    /// <summary>One object, the colour not named: "a circle".</summary>
    Single,

    /// <summary>Two objects of different shapes, the colours not named: "a circle and a square".</summary>
    Two,

    /// <summary>Two to four equal objects: "three green stars".</summary>
    Counting,

    /// <summary>One object with its colour: "a red circle".</summary>
    Colors,

    /// <summary>Two objects and where they stand: "a red circle left of a blue square".</summary>
    Position,

    /// <summary>Two objects, two colours: "a red circle and a blue square".</summary>
    ColorAttribution,

    /// <summary>One object in one of nine places: "a red circle in the top left".</summary>
    Place,
}

/// <summary>One object.</summary>
/// <param name="Kind">Its shape.</param>
/// <param name="Color">Its colour.</param>
/// <param name="X">Centre from the left, in units of the picture's side.</param>
/// <param name="Y">Centre from the top, in units of the picture's side.</param>
/// <param name="Radius">Radius of the circle around it, in units of the picture's side.</param>
public sealed record SceneObject(ShapeKind Kind, ShapeColor Color, double X, double Y, double Radius);

/// <summary>A picture of the shapes world before it is drawn; independent of the resolution.</summary>
/// <param name="Background">The ground.</param>
/// <param name="Objects">The objects in the order in which the caption names them; they never touch.</param>
public sealed record ShapeScene(SceneBackground Background, IReadOnlyList<SceneObject> Objects);
