namespace NextStep.Research.Tests;

/// <summary>
/// Tests that allocate so much that the garbage collector runs without pause. They run by themselves: TorchSharp hands native code the address of a number
/// (<c>Scalar</c>) without keeping the object alive, so that a collection in that instant frees it under another test's feet.
/// </summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
