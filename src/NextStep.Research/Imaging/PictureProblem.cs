namespace NextStep.Research;

/// <summary>Why a file cannot be used as a picture: an <see cref="InvalidDataException"/> that also knows its reason without the name, so that pictures can be counted by it.</summary>
internal static class PictureProblem
{
    private const string Key = "reason";

    /// <summary>The exception for a picture of this name.</summary>
    public static InvalidDataException Of(string name, string reason) => new($"The picture '{name}' {reason}.") { Data = { [Key] = reason } };

    /// <summary>The reason without the name where it is known, else the message.</summary>
    public static string Reason(Exception exception) => exception.Data[Key] as string ?? exception.Message;
}
