using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Packing and recomputation change the cost of a step, not the step.</summary>
public sealed class CheaperTrainingTests
{
    private static readonly long[][] Rows =
    [
        [7, 8, 2, 4, 4, 4, 4, 3, 5],
        [2, 4, 4, 4, 4, 3, 9, 5, 0],
        [9, 5, 0, 0, 0, 0, 0, 0, 0],
        [7, 10, 5, 0, 0, 0, 0, 0, 0],
        [8, 5, 0, 0, 0, 0, 0, 0, 0],
    ];

    [Fact]
    public void Packed_sequences_give_the_losses_and_gradients_of_padded_ones()
    {
        using NextStepModel model = TinyModels.Model();
        model.train();
        using DisposeScope scope = NewDisposeScope();
        ModelBatch batch = Batch();
        SequencePacking packing = SequencePacking.Of(batch.Ids, 0);
        Assert.Equal(3.0 / 5, packing.Share, 9); // 9 + 8 + (2 + 3 + 2): three rows of nine instead of five
        (float padded, Dictionary<string, Tensor> expected) = Step(model, batch, null);
        (float packed, Dictionary<string, Tensor> actual) = Step(model, batch, packing);
        Assert.Equal(padded, packed, 1e-5f);
        Assert.All(expected, g => Assert.InRange(TinyModels.Distance(g.Value, actual[g.Key]), 0, 2e-5));
    }

    [Fact]
    public void A_packed_sequence_sees_nothing_of_its_neighbours()
    {
        using NextStepModel model = TinyModels.Model();
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        ModelBatch batch = Batch();
        SequencePacking packing = SequencePacking.Of(batch.Ids, 0);
        Tensor embedded = model.Embed(batch.Ids, batch.Tokens), other = embedded.clone();
        other[3].mul_(-3); // the fourth sequence alone
        Tensor Hidden(Tensor x) => packing.Unpack(model.Transformer.Forward(packing.Pack(x), null, null, packing.Positions, null, packing.Mask));
        Tensor before = Hidden(embedded), after = Hidden(other);
        Assert.True(TinyModels.Distance(before[3].narrow(0, 0, 3), after[3].narrow(0, 0, 3)) > 0.1);
        for (int row = 0; row < Rows.Length; row++)
        {
            int length = Array.FindLastIndex(Rows[row], id => id != 0) + 1;
            if (row != 3)
            {
                TensorAssert.Same(before[row].narrow(0, 0, length), after[row].narrow(0, 0, length));
            }
        }
    }

    [Theory]
    [InlineData(Precision.Float32, false)]
    [InlineData(Precision.BFloat16, false)]
    [InlineData(Precision.Float32, true)]
    public void Recomputed_layers_give_the_same_bits_and_leave_no_tensor(Precision precision, bool packed)
    {
        using NextStepModel model = TinyModels.Model();
        model.train();
        using DisposeScope scope = NewDisposeScope();
        ModelBatch batch = Batch();
        SequencePacking? packing = packed ? SequencePacking.Of(batch.Ids, 0) : null;
        (float kept, Dictionary<string, Tensor> expected) = Step(model, batch, packing, precision);
        model.Transformer.RecomputeLayers = true;
        (float again, Dictionary<string, Tensor> actual) = Step(model, batch, packing, precision);
        Assert.Equal(kept, again);
        Assert.All(expected, g => TensorAssert.Same(g.Value, actual[g.Key], g.Key));
        long live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 5; i++)
        {
            using DisposeScope inner = NewDisposeScope();
            Step(model, batch, packing, precision);
        }
        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static ModelBatch Batch()
    {
        long[] ids = [.. Rows.SelectMany(r => r)], labels = [.. ids.Select(i => i is 2 or 4 or 0 ? SequenceLayout.Ignored : i)];
        return new ModelBatch(tensor(ids, [Rows.Length, 9]), tensor(labels, [Rows.Length, 9]), TinyModels.Normal("tokens", 8, 16));
    }

    private static (float Loss, Dictionary<string, Tensor> Gradients) Step(NextStepModel model, ModelBatch batch, SequencePacking? packing, Precision precision = Precision.Float32)
    {
        foreach (Parameter parameter in model.parameters())
        {
            parameter.grad = null;
        }
        using DrawnNoise noise = new(1, "noise");
        ModelLosses losses;
        using (Autocast.For(precision, CPU))
        {
            losses = model.Losses(batch, noise, packing: packing);
        }
        losses.Total.backward();
        return (losses.Total.item<float>(), model.named_parameters().Where(p => p.parameter.grad is not null).ToDictionary(p => p.name, p => p.parameter.grad!.clone()));
    }
}
