using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Functions compiled from TorchScript. They take tensors only: TorchSharp would make a number into a <see cref="Scalar"/> that may be
/// freed during the call (see <see cref="Scalars"/>), so a number travels as a tensor without dimensions and is <c>float(x)</c> there.
/// </summary>
internal sealed class TorchScript(string source)
{
    private readonly jit.CompilationUnit _unit = jit.compile(source);

    /// <summary>Calls a function that returns nothing.</summary>
    /// <param name="function">Its name.</param>
    /// <param name="lists">Its first arguments, each a List[Tensor].</param>
    /// <param name="tensors">Its last arguments, each a Tensor.</param>
    public void Run(string function, Tensor[][] lists, params Tensor[] tensors) => _unit.invoke(function, [.. lists, .. tensors]);

    /// <summary>Calls a function that returns a tensor.</summary>
    /// <param name="function">Its name.</param>
    /// <param name="lists">Its arguments, each a List[Tensor].</param>
    public Tensor Evaluate(string function, params Tensor[][] lists) => _unit.invoke<Tensor>(function, [.. lists]);
}
