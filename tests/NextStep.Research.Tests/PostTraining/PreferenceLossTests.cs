using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.PostTraining;

public sealed class PreferenceLossTests : IDisposable
{
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void At_equal_policies_it_is_log_two_and_pulls_winners_down_and_losers_up_by_a_quarter_beta()
    {
        Tensor winner = tensor([0.3, 0.5]).requires_grad_(), loser = tensor([0.2, 0.9]).requires_grad_();
        (Tensor loss, Tensor margin) = PreferenceLoss.Of(winner, loser, winner.detach(), loser.detach(), 8);
        loss.backward();
        Assert.Equal(Math.Log(2), loss.item<double>(), 12);
        Assert.Equal([0.0, 0.0], margin.data<double>());
        Assert.Equal([1.0, 1.0], winner.grad!.data<double>()); // β/4 over two pairs
        Assert.Equal([-1.0, -1.0], loser.grad!.data<double>());
        winner.grad.zero_();
        Tensor replayed = tensor([0.7]).requires_grad_();
        PreferenceLoss.Anchor(winner, replayed, 8).backward();
        Assert.Equal([0.5, 0.5], winner.grad.data<double>()); // one of two in place of an accepted one
        Assert.Equal([1.0], replayed.grad!.data<double>());
    }

    [Fact]
    public void It_is_the_logistic_loss_of_how_much_better_the_policy_tells_the_two_apart_than_the_reference()
    {
        (Tensor loss, Tensor margin) = PreferenceLoss.Of(tensor([0.25]), tensor([0.9]), tensor([0.5]), tensor([0.75]), 10);
        double expected = 5 * (0.25 + 0.15); // the winner's loss fell by 0.25, the loser's rose by 0.15
        Assert.Equal(expected, margin.item<double>(), 12);
        Assert.Equal(Math.Log(1 + Math.Exp(-expected)), loss.item<double>(), 12);
    }

    [Fact]
    public void A_pictures_loss_is_the_mean_over_its_own_tokens_and_draws()
    {
        FlowMatchingHead head = new(new FlowHeadConfig { TokenWidth = 2, ConditionWidth = 3, Width = 8, Layers = 1 });
        TinyModels.Randomize(head, 1);
        const int pictures = 3, tokens = 4, repeat = 2;
        Tensor target = TinyModels.Normal("target", pictures * tokens, 2), condition = TinyModels.Normal("condition", pictures * tokens, 3);
        Tensor epsilon = TinyModels.Normal("epsilon", repeat * pictures * tokens, 2), times = TinyModels.Normal("times", repeat * pictures * tokens).sigmoid();
        Tensor all = PreferenceLoss.PerPicture(head, target, condition, epsilon, times, pictures, repeat);
        Assert.Equal([pictures], all.shape);
        Tensor[] second = [.. Enumerable.Range(0, repeat).Select(r => head.PerToken(
            target.narrow(0, tokens, tokens), condition.narrow(0, tokens, tokens), epsilon.narrow(0, (r * pictures * tokens) + tokens, tokens), times.narrow(0, (r * pictures * tokens) + tokens, tokens)))];
        Assert.Equal(cat(second).mean().item<float>(), all[1].item<float>(), 5);
    }
}
