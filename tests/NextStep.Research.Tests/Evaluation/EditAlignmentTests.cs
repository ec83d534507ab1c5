using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Evaluation;

public sealed class EditAlignmentTests
{
    [Fact]
    public void Right_answers_succeed_and_copies_of_the_source_preserve_all_and_never_do()
    {
        using ShapesEditSource source = new(new DataConfig { Edits = 60 }, DataSplit.Train, EditSide.Before, 4);
        SceneEdit[] edits = [.. Enumerable.Range(0, 60).Select(source.EditAt)];
        EditReport right = EditAlignment.Measure(stack([.. edits.Select(e => SignedDistanceRenderer.Render(e.After, 32))]), edits);
        EditReport copy = EditAlignment.Measure(stack([.. edits.Select(e => SignedDistanceRenderer.Render(e.Before, 32))]), edits);
        Assert.True(right.Success.Value > 0.95, $"{right.Success.Right} of 60");
        Assert.Equal(60, right.ByKind.Values.Sum(k => k.Total));
        Assert.Equal(60 - right.Success.Right, right.Reasons.Values.Sum());
        Assert.Equal((0, double.PositiveInfinity), (copy.Success.Right, copy.Preservation));
        Assert.Throws<ArgumentException>(() => EditAlignment.Measure(zeros(2, 3, 32, 32), edits));
    }
}
