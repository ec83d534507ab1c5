using TorchSharp;

namespace NextStep.Research.Tests;

public class SceneEditTests
{
    public static TheoryData<EditKind> Kinds => [.. Enum.GetValues<EditKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Right_answers_pass_and_copies_and_collateral_changes_do_not(EditKind kind)
    {
        const int Count = 25;
        int right = 0;
        for (int i = 0; i < Count; i++)
        {
            SceneEdit edit = SceneEdits.Draw(kind, PairSplit.Seen, Streams.Managed(2, $"test.edit/{kind}", i));
            using torch.Tensor after = SignedDistanceRenderer.Render(edit.After, 32);
            EditVerification verdict = EditVerifier.Verify(after, edit);
            right += verdict.Success ? 1 : 0;
            if (kind != EditKind.Background)
            {
                Assert.Equal(double.PositiveInfinity, verdict.Preservation);
            }
            using torch.Tensor before = SignedDistanceRenderer.Render(edit.Before, 32);
            Assert.False(EditVerifier.Verify(before, edit).Success);
            SceneObject spoiled = edit.After.Objects[^1] with { Color = (ShapeColor)(((int)edit.After.Objects[^1].Color + 4) % 8) };
            using torch.Tensor collateral = SignedDistanceRenderer.Render(edit.After with { Objects = [.. edit.After.Objects.SkipLast(1), spoiled] }, 32);
            Assert.False(EditVerifier.Verify(collateral, edit).Success);
        }
        Assert.True(right >= Count - 1, $"{right} of {Count}");
    }

    [Fact]
    public void Held_out_edits_end_in_a_held_out_pair_and_start_without()
    {
        foreach (EditKind kind in (EditKind[])[EditKind.Recolor, EditKind.Reshape, EditKind.Add, EditKind.Swap])
        {
            SceneEdit edit = SceneEdits.Draw(kind, PairSplit.HeldOut, Streams.Managed(3, "test.edit"));
            Assert.Equal(PairSplit.Seen, HeldOutPairs.Of(edit.Before));
            Assert.Equal(PairSplit.HeldOut, HeldOutPairs.Of(edit.After));
        }
        Assert.Throws<ArgumentException>(() => SceneEdits.Draw(EditKind.Remove, PairSplit.HeldOut, Streams.Managed(3, "test.edit")));
    }
}
