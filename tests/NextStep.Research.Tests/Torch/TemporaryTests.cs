using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class TemporaryTests
{
    [Fact]
    public void A_temporary_of_a_test_lives_until_the_test_ends()
    {
        WeakReference made = Temporary();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.True(made.IsAlive);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Temporary() => new(ones(2));
}
