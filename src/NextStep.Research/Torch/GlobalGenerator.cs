using TorchSharp;

namespace NextStep.Research;

/// <summary>Keeps torch's global CPU generator where it was: TorchSharp's layers draw first weights from it, which ours then replace from their own streams.</summary>
internal sealed class GlobalGenerator : IDisposable
{
    private readonly torch.Tensor _state;

    private GlobalGenerator(torch.Tensor state) => _state = state;

    /// <summary>Until it is disposed, draws from the generator leave no trace.</summary>
    public static GlobalGenerator Keep() => new(torch.random.get_rng_state().DetachFromDisposeScope());

    /// <inheritdoc/>
    public void Dispose()
    {
        torch.random.set_rng_state(_state);
        _state.Dispose();
    }
}
