#!/usr/bin/env bash
# TorchSharp 0.107.0: Tensor.sum(0) and Tensor.prod(0) reduce over all dimensions, in bytes that wrap at 256.
# The overloads sum(ScalarType? type = null) and sum(long dim, bool keepdim = false, …) both take the literal 0, since 0
# converts to every enumeration (here ScalarType.Byte); the one with fewer optional parameters wins. 1, 0L and dim: 0
# mean the dimension.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package TorchSharp-cpu@0.107.0
using TorchSharp;
using static TorchSharp.torch;
Tensor x = arange(1, 7, dtype: ScalarType.Float32).reshape(2, 3) * 100;
string Text(Tensor t) => $"{t.dtype} [{string.Join(" ", t.shape)}] " + string.Join(" ", t.to(ScalarType.Float32).flatten().data<float>().ToArray());
Console.WriteLine("x.sum(0)       " + Text(x.sum(0)));
Console.WriteLine("x.sum(dim: 0)  " + Text(x.sum(dim: 0)));
Console.WriteLine("x.sum(1)       " + Text(x.sum(1)));
Console.WriteLine("x.prod(0)      " + Text((x / 100).prod(0)));
Console.WriteLine("x.prod(dim: 0) " + Text((x / 100).prod(dim: 0)));
CS
expect <<'OUT'
x.sum(0)       Byte [] 52
x.sum(dim: 0)  Float32 [3] 500 700 900
x.sum(1)       Float32 [2] 600 1500
x.prod(0)      Byte [] 208
x.prod(dim: 0) Float32 [3] 4 10 18
OUT
