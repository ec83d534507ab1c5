namespace NextStep.Research.Experiments;

/// <summary>One thing that is wrong in a configuration.</summary>
/// <param name="File">The file, or what else gave the value (<c>--set</c>).</param>
/// <param name="Line">The line in it, from 1; 0 when there is none.</param>
/// <param name="Path">The key.</param>
/// <param name="Message">What is wrong, with the value and what to do.</param>
public sealed record ConfigError(string File, int Line, string Path, string Message)
{
    /// <summary><c>file:line: key: message</c>.</summary>
    public override string ToString() =>
        (Line > 0 ? $"{File}:{Line}: " : $"{File}: ") + (Path.Length > 0 ? $"{Path}: {Message}" : Message);
}

/// <summary>All errors of a configuration or experiment file at once.</summary>
public sealed class ConfigException : Exception
{
    /// <summary>With at least one error.</summary>
    public ConfigException(IReadOnlyList<ConfigError> errors)
        : base(string.Join(Environment.NewLine, errors)) => Errors = errors;

    /// <summary>With one error.</summary>
    public ConfigException(ConfigError error)
        : this([error])
    {
    }

    /// <summary>In the order of the files and lines.</summary>
    public IReadOnlyList<ConfigError> Errors { get; }
}
