namespace NextStep.Research;

/// <summary>
/// On a knob that came after results were kept by other people, and whose default computes the bits of before: at that default it is in no stage's key, so that a run
/// folder of an older version is gone on with. Not for options of components, whose defaults depend on which one stands there.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class LaterOptionAttribute : Attribute;
