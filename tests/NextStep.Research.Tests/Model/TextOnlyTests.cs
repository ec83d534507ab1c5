using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Model;

public sealed class TextOnlyTests
{
    [Fact]
    public void A_batch_without_pictures_has_a_finite_loss_that_teaches_the_text_and_reports_no_flow_loss()
    {
        using NextStepModel model = TinyModels.Model();
        model.train();
        using DisposeScope scope = NewDisposeScope();
        Tensor ids = tensor(new long[] { 7, 8, 9, 5, 10, 7, 5, 0 }, [2, 4]), labels = tensor(new long[] { 7, 8, 9, 5, 10, 7, 5, -100 }, [2, 4]);
        using NoiseSource noise = new DrawnNoise(0, "test");
        ModelLosses losses = model.Losses(new ModelBatch(ids, labels, zeros(0, 16)), noise);
        Assert.True(float.IsFinite(losses.Total.item<float>()));
        Assert.Equal(0, losses.Image.Mean.item<float>());
        Assert.True(losses.Text.item<float>() > 0);
        losses.Total.backward();
        Assert.All(model.parameters().Where(p => p.grad is not null), p => Assert.True(p.grad!.isfinite().all().item<bool>()));
        Assert.Contains(model.parameters(), p => p.grad is { } g && g.abs().max().item<float>() > 0);
        Assert.Equal(["text.loss"], ModelTrainer.Metrics(losses).Select(m => m.Name));
    }

    [Fact]
    public void What_onLayer_gets_lives_as_long_as_the_scope_around_the_call()
    {
        using CausalTransformer transformer = new(TinyModels.Transformer());
        TinyModels.Randomize(transformer, 4);
        using IDisposable guard = no_grad();
        List<Tensor> states = [];
        using (NewDisposeScope())
        {
            Tensor last = transformer.Forward(TinyModels.Normal("x", 2, 5, 24), onLayer: states.Add);
            Assert.Equal(4, states.Count);
            Assert.All(states, s => Assert.Equal([2, 5, 24], s.shape)); // throws for a disposed one
            TensorAssert.Same(last, states[^1]);
        }
        Assert.All(states, s => Assert.True(s.IsInvalid));
    }
}
