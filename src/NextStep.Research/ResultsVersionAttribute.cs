namespace NextStep.Research;

/// <summary>On a component of the kit whose same options once gave other results: the number is in the key of every stage that reads it, so that the two are not mixed.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
internal sealed class ResultsVersionAttribute(int version) : Attribute
{
    /// <summary>2 for the second kind of results.</summary>
    public int Version { get; } = version;
}
