#!/usr/bin/env bash
# MathNet.Numerics 5.0.0: Correlation.Spearman ranks NaN below every number; Correlation.Pearson of the same lists is NaN.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package MathNet.Numerics@5.0.0
using System.Globalization;
using MathNet.Numerics.Statistics;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
double[] measured = [5, double.NaN, 7, 8], axis = [1, 2, 3, 4];
Console.WriteLine($"Spearman {Correlation.Spearman(measured, axis):F2}, Pearson {Correlation.Pearson(measured, axis)}");
CS
expect <<'OUT'
Spearman 0.80, Pearson NaN
OUT
