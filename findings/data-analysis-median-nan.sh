#!/usr/bin/env bash
# Microsoft.Data.Analysis 0.23.1: NaN makes mean, minimum and maximum of a column NaN; the median takes it for the least number.
# (The numbers alone have 0.3 in their middle.)
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package Microsoft.Data.Analysis@0.23.1
using System.Globalization;
using Microsoft.Data.Analysis;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var loss = new DoubleDataFrameColumn("loss", new double?[] { 0.4, double.NaN, 0.2, double.NaN, 0.1, 0.8 });
Console.WriteLine($"mean {loss.Mean()}, min {loss.Min()}, max {loss.Max()}, median {loss.Median():F2}");
CS
expect <<'OUT'
mean NaN, min NaN, max NaN, median 0.15
OUT
