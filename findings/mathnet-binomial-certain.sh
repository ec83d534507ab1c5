#!/usr/bin/env bash
# MathNet.Numerics 5.0.0: Binomial.CDF(p, n, x) at p = 1 and x = n is NaN; it is 1. Neighbours and the density are right.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package MathNet.Numerics@5.0.0
using MathNet.Numerics.Distributions;
Console.WriteLine($"CDF(1, 10, 9) {Binomial.CDF(1, 10, 9)}, CDF(1, 10, 10) {Binomial.CDF(1, 10, 10)}, PMF(1, 10, 10) {Binomial.PMF(1, 10, 10)}, CDF(0, 10, 0) {Binomial.CDF(0, 10, 0)}");
CS
expect <<'OUT'
CDF(1, 10, 9) 0, CDF(1, 10, 10) NaN, PMF(1, 10, 10) 1, CDF(0, 10, 0) 1
OUT
