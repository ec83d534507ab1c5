using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Direct preference optimization on flow losses (Diffusion-DPO, arXiv 2311.12908, eq. 14): the flow loss of a picture, up to a factor, bounds its
/// negative log-likelihood, and policy and frozen reference see the same time and noise.
/// </summary>
internal static class PreferenceLoss
{
    /// <summary>−log σ(−β/2 · ((ℓ_w − ℓ_w,ref) − (ℓ_l − ℓ_l,ref))), mean over pairs: log 2 where policy and reference agree. Its gradient there is β/4 · ∇(ℓ_w − ℓ_l).</summary>
    /// <param name="winner">Flow losses of the preferred pictures, [pairs], with gradient.</param>
    /// <param name="loser">Of the others, [pairs], with gradient.</param>
    /// <param name="winnerReference">Of the same under the reference.</param>
    /// <param name="loserReference">Of the same under the reference.</param>
    /// <param name="beta">β.</param>
    /// <returns>The loss, a scalar, and by pair the argument of σ, [pairs], detached: positive where the policy tells them apart better than the reference.</returns>
    public static (Tensor Loss, Tensor Margin) Of(Tensor winner, Tensor loser, Tensor winnerReference, Tensor loserReference, double beta)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor margin = winner.sub(winnerReference).sub(loser.sub(loserReference)).Times(-beta / 2);
        return (nn.functional.logsigmoid(margin).mean().neg().MoveToOuterDisposeScope(), margin.detach().MoveToOuterDisposeScope());
    }

    /// <summary>β/4 times the mean flow loss of accepted and replayed pictures, the replayed ones in place of as many accepted: as strong a pull as the preference's where policy and reference agree.</summary>
    /// <param name="winner">Flow losses of the accepted pictures, [pairs], with gradient.</param>
    /// <param name="replayed">Of at most as many training pictures; may be none.</param>
    /// <param name="beta">β.</param>
    public static Tensor Anchor(Tensor winner, Tensor replayed, double beta)
    {
        using DisposeScope scope = NewDisposeScope();
        double share = (double)replayed.size(0) / winner.size(0);
        Tensor accepted = winner.mean().Times(1 - share);
        return (share == 0 ? accepted : accepted.Plus(replayed.mean().Times(share))).Times(beta / 4).MoveToOuterDisposeScope();
    }

    /// <summary>Flow loss by picture, [pictures], with gradient: the mean over its tokens and over <paramref name="repeat"/> draws of time and noise.</summary>
    /// <param name="head">The flow head.</param>
    /// <param name="target">Clean tokens, picture by picture, [pictures·L, d].</param>
    /// <param name="condition">Of the same rows, [pictures·L, H].</param>
    /// <param name="epsilon">Noise, [repeat·pictures·L, d].</param>
    /// <param name="times">[repeat·pictures·L].</param>
    /// <param name="pictures">Their number.</param>
    /// <param name="repeat">Draws a token.</param>
    public static Tensor PerPicture(FlowMatchingHead head, Tensor target, Tensor condition, Tensor epsilon, Tensor times, long pictures, int repeat)
    {
        using DisposeScope scope = NewDisposeScope();
        return head.PerToken(target.repeat(repeat, 1), condition.repeat(repeat, 1), epsilon, times).view(repeat, pictures, -1).mean([0, 2]).MoveToOuterDisposeScope();
    }
}
