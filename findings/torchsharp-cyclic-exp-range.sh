#!/usr/bin/env bash
# TorchSharp 0.107.0: CyclicLR in mode ExpRange multiplies the amplitude by gamma once a cycle.
# PyTorch documents gamma ** (cycle iterations): with base 0.1, top 0.5, two steps up and gamma 0.5 its rates begin
# 0.1, 0.2, 0.2, 0.125, 0.1.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package TorchSharp-cpu@0.107.0
using System.Globalization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var optimizer = optim.SGD(new[] { new Parameter(ones(1)) }, 0.1);
var schedule = optim.lr_scheduler.CyclicLR(optimizer, 0.1, 0.5, 2, mode: optim.lr_scheduler.impl.CyclicLR.Mode.ExpRange, gamma: 0.5);
List<string> rates = [];
for (int i = 0; i < 9; i++)
{
    rates.Add(optimizer.ParamGroups.First().LearningRate.ToString("0.####"));
    schedule.step();
}
Console.WriteLine(string.Join(" ", rates));
CS
expect <<'OUT'
0.1 0.2 0.3 0.2 0.1 0.15 0.2 0.15 0.1
OUT
