using System.Reflection;
using TorchSharp;
using Xunit.v3;

[assembly: NextStep.Research.TestSupport.TensorsLiveAsLongAsTheTest]

namespace NextStep.Research.TestSupport;

/// <summary>
/// Puts a dispose scope around every test. TorchSharp 0.107 hands a tensor's native memory to a call without holding the tensor, so a temporary like
/// <c>torch.ones(2)</c> in <c>x.copy_(torch.ones(2))</c> may be collected while the native code reads it; a scope holds what is made in it until it ends.
/// Tests that wait (a <see cref="Task"/>) go on on other threads, where a scope, a thing of one thread, cannot follow: they open their own.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class TensorsLiveAsLongAsTheTestAttribute : BeforeAfterTestAttribute
{
    [ThreadStatic]
    private static DisposeScope? scope;

    /// <inheritdoc/>
    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (methodUnderTest.ReturnType == typeof(void))
        {
            scope = torch.NewDisposeScope();
        }
    }

    /// <inheritdoc/>
    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (methodUnderTest.ReturnType == typeof(void))
        {
            (scope ?? throw new InvalidOperationException("A test ended on another thread than it began on.")).Dispose();
            scope = null;
        }
    }
}
