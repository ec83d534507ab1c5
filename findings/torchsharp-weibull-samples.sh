#!/usr/bin/env bash
# TorchSharp 0.107.0: distributions.Weibull(scale 2, concentration 1.5) draws negative numbers and has no log density.
# A Weibull variable is positive, here with mean 2·Γ(1 + 1/1.5) = 1.8055 (which `mean` says); the log density at 1 is -0.9942.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package TorchSharp-cpu@0.107.0
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
random.manual_seed(1);
var weibull = distributions.Weibull(tensor(new double[] { 2 }), tensor(new double[] { 1.5 }));
Tensor drawn = weibull.sample(20000);
Console.WriteLine("mean " + weibull.mean.item<double>().ToString("F4") + ", largest of 20000 samples is negative: " + (drawn.max().item<double>() < 0));
Console.WriteLine("log_prob(1) " + weibull.log_prob(tensor(new double[] { 1 })).item<double>().ToString("F4"));
CS
expect <<'OUT'
mean 1.8055, largest of 20000 samples is negative: True
log_prob(1) NaN
OUT
