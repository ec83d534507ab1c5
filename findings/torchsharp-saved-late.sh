#!/usr/bin/env bash
# TorchSharp 0.107.0: save_for_backward in a function of one's own reads the tensors only after forward has returned. A tensor that forward made
# in a dispose scope of its own is gone by then, and backward gets null for it; PyTorch keeps what it is given.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package TorchSharp-cpu@0.107.0
using TorchSharp;
using static TorchSharp.torch;
foreach (bool scoped in new[] { false, true })
{
    Doubled.Scoped = scoped;
    var x = ones(2, requires_grad: true);
    Doubled.apply(x).backward(new[] { ones(2) });
}

sealed class Doubled : autograd.SingleTensorFunction<Doubled>
{
    public static bool Scoped;

    public override string Name => nameof(Doubled);

    public override Tensor forward(autograd.AutogradContext context, params object[] inputs)
    {
        using DisposeScope? scope = Scoped ? NewDisposeScope() : null;
        Tensor both = ((Tensor)inputs[0]).add((Tensor)inputs[0]);
        context.save_for_backward(new List<Tensor> { both });
        Tensor result = both.clone();
        return Scoped ? result.MoveToOuterDisposeScope() : result;
    }

    public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
    {
        Tensor? saved = context.get_saved_variables()[0];
        Console.WriteLine($"made {(Scoped ? "in a dispose scope" : "in no scope")}: backward gets {(saved is null ? "null" : $"{saved.sum().item<float>()}")}");
        return new List<Tensor> { gradient.add(gradient) };
    }
}
CS
expect <<'OUT'
made in no scope: backward gets 4
made in a dispose scope: backward gets null
OUT
