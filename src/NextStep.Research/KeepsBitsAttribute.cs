namespace NextStep.Research;

/// <summary>On a knob that decides how something is computed or noted but not one bit of the result: it is in no stage's key, so changing it computes nothing again.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class KeepsBitsAttribute : Attribute;
