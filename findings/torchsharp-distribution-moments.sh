#!/usr/bin/env bash
# TorchSharp 0.107.0: moments, entropies and distribution functions that are not those of the distribution asked.
# Exact: Exponential(2) has variance 1/4; Geometric(0.3), counting failures, mean 7/3 and entropy 2.036 nats;
# Binomial(5, 0.3) entropy 1.417 nats; Poisson(2) has P(X ≤ 0) = e^-2 = 0.1353. The samples drawn are right.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package TorchSharp-cpu@0.107.0
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
Tensor N(double value) => tensor(new double[] { value });
string Text(Tensor t) => t.item<double>().ToString("F4");
random.manual_seed(1);
Tensor drawn = distributions.Exponential(N(2)).sample(20000);
Console.WriteLine("Exponential(2) variance " + Text(distributions.Exponential(N(2)).variance) + ", of 20000 samples within 10 % of 0.25: " + (Math.Abs(drawn.var().item<double>() - 0.25) < 0.025));
Console.WriteLine("Geometric(0.3) mean " + Text(distributions.Geometric(N(0.3)).mean) + ", entropy " + Text(distributions.Geometric(N(0.3)).entropy()));
Console.WriteLine("Binomial(5, 0.3) entropy " + Text(distributions.Binomial(N(5), N(0.3)).entropy()));
Console.WriteLine("Poisson(2) cdf at 0 " + Text(distributions.Poisson(N(2)).cdf(N(0))) + ", at 1 " + Text(distributions.Poisson(N(2)).cdf(N(1))));
CS
expect <<'OUT'
Exponential(2) variance 4.0000, of 20000 samples within 10 % of 0.25: True
Geometric(0.3) mean -1.4286, entropy 0.6236
Binomial(5, 0.3) entropy 0.6109
Poisson(2) cdf at 0 0.0000, at 1 0.8647
OUT
